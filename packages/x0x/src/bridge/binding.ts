import { utf8ToBytes } from '@noble/hashes/utils.js';
import { type CryptoProvider, type Did, decodeDidKey } from '@private.me/xlink';
import { X0xError } from '../errors.js';
import type { X0xIdentity } from '../identity/identity.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { verifySignature } from '../identity/key-pair.js';
import { decodeBytes, encodeBytes, lengthPrefixed } from './signed-text.js';

const LABEL = 'xlink/1 x0x agent binding';
const CONTEXT = utf8ToBytes(LABEL);

/**
 * The statement of an agent and a DID that they are one, for agents whose key came from elsewhere. Both sign it: nobody is joined to
 * somebody else. Binary members are base64url.
 */
export interface AgentBinding {
  /** The DID. */
  readonly did: Did;
  /** ML-DSA-65 of the agent, 1952 bytes. */
  readonly agentPublicKey: string;
  /** When it was made, in seconds since 1970. */
  readonly issuedAt: number;
  /** Ed25519 of the DID, 64 bytes. */
  readonly signature: string;
  /** ML-DSA-65 of the agent, 3309 bytes, with the context `xlink/1 x0x agent binding`. */
  readonly agentSignature: string;
}

const bytesOf = (did: Did, agentPublicKey: Uint8Array, issuedAt: number): Uint8Array =>
  lengthPrefixed([LABEL, did, agentPublicKey, issuedAt]);

/** Joins the agent and the DID of an identity. `issuedAt` in seconds since 1970. */
export async function bindAgent({ agent, xlink }: X0xIdentity, issuedAt: number): Promise<AgentBinding> {
  const bytes = bytesOf(xlink.did, agent.publicKey, issuedAt);
  return {
    did: xlink.did,
    agentPublicKey: encodeBytes(agent.publicKey),
    issuedAt,
    signature: encodeBytes(await xlink.ed25519.sign(bytes)),
    agentSignature: encodeBytes(agent.sign(bytes, CONTEXT)),
  };
}

/** The agent that a binding joins to this DID. Throws `BINDING_INVALID` unless both have signed it. `crypto` verifies Ed25519. */
export async function agentBoundTo(did: Did, binding: unknown, crypto: CryptoProvider): Promise<X0xId> {
  const { agentPublicKey, issuedAt, signature, agentSignature, ...rest } = Object(binding) as AgentBinding;
  const key = decodeBytes(agentPublicKey, 1952);
  const ofDid = decodeBytes(signature, 64);
  const ofAgent = decodeBytes(agentSignature, 3309);
  if (rest.did !== did || !key || !ofDid || !ofAgent || !Number.isSafeInteger(issuedAt) || issuedAt < 0)
    throw new X0xError('BINDING_INVALID');
  const bytes = bytesOf(did, key, issuedAt);
  const verifier = await crypto.ed25519.verifier(decodeDidKey(did));
  const isGood = (await verifier.verify(bytes, ofDid)) && verifySignature(key, bytes, ofAgent, CONTEXT);
  if (!isGood) throw new X0xError('BINDING_INVALID');
  return idOf(key);
}
