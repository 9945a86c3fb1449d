import { createPublicKey, verify } from 'node:crypto';
import { type Agent, decodeDidKey } from '@private.me/xlink';
import { lengthPrefixed, sha256, toBytes, utf8 } from './util/bytes.js';

/** Label of the seed of the MLS signature key (docs/PROTOCOL.md of `@private.me/xlink`, section 2). */
export const SIGNATURE_LABEL = 'xlink/1 identity mls ed25519';
/** Label of the key that state is sealed under. */
export const STATE_LABEL = 'xlink/1 identity mls state';
/** What the statement of a DID about its MLS key is signed for (there, section 8.1). */
export const STATEMENT_CONTEXT = 'mls/1 signature key';

const FORM = /^(did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}) ([A-Za-z0-9_-]{86})$/;
/** Of SubjectPublicKeyInfo of Ed25519 (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** A credential, read. */
export interface DidCredential {
  /** Whose it is said to be. */
  readonly did: string;
  /** Signature of the DID, base64url, over the signature key of the leaf. */
  readonly statement: string;
}

/**
 * The identity of the basic credential (RFC 9420, 5.3) of an agent: its DID, a space, and the statement by which the DID binds the
 * signature key of the leaf. So the key of the DID signs no MLS bytes, and is in no group state.
 */
export async function makeIdentity(
  agent: Pick<Agent, 'did' | 'sign'>,
  signatureKey: Uint8Array,
): Promise<Uint8Array> {
  return utf8(`${agent.did} ${await agent.sign(signatureKey, { context: STATEMENT_CONTEXT })}`);
}

/** What stands in a credential; `undefined` if it is none of this form. Says nothing about whether it is true. */
export function readIdentity(identity: Uint8Array): DidCredential | undefined {
  const [, did, statement] = FORM.exec(Buffer.from(identity).toString('latin1')) ?? [];
  return did === undefined || statement === undefined ? undefined : { did, statement };
}

/** Whether the DID has signed that this is its signature key. Whether it is active is another question. */
export function isBound({ did, statement }: DidCredential, signatureKey: Uint8Array): boolean {
  const transcript = lengthPrefixed(
    utf8('xlink/1 application'),
    utf8(STATEMENT_CONTEXT),
    sha256(signatureKey),
  );
  return verifyEd25519(decodeDidKey(did as `did:key:${string}`), transcript, toBytes(statement));
}

/** RFC 8032; `false` for keys and signatures that are none. */
export function verifyEd25519(publicKey: Uint8Array, content: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
    return verify(null, content, key, signature);
  } catch {
    return false;
  }
}
