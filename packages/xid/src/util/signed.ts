import { type CryptoProvider, decodeDidKey, Identity } from '@private.me/xlink';
import { fromBase64url, toBase64url } from './bytes.js';

/** The signatures of a statement, as base64url. */
export interface Signatures {
  /** Ed25519, 64 bytes. */
  readonly signature: string;
  /** ML-DSA-65, 3309 bytes: of a signer that has such a key. */
  readonly pqSignature?: string;
}

/** Who signs: its DID, and its ML-DSA-65 key if it has one. */
export interface SignerKeys {
  readonly did: string;
  /** 1952 bytes as base64url. Absent: signatures of that kind are not asked for. */
  readonly mlDsa65?: string;
}

let provider: Promise<CryptoProvider> | undefined;

/** That of the platform. */
const platform = (): Promise<CryptoProvider> =>
  (provider ??= Identity.fromSeed(new Uint8Array(32), { maxVersion: 1 }).then(({ crypto }) => crypto));

/** Signs with every signature key that the identity has; the label is the context of ML-DSA. */
export async function sign(
  { ed25519, mlDsa65 }: Pick<Identity, 'ed25519' | 'mlDsa65'>,
  label: string,
  transcript: Uint8Array,
): Promise<Signatures> {
  const pqSignature = await mlDsa65?.sign(transcript, Buffer.from(label));
  return {
    signature: toBase64url(await ed25519.sign(transcript)),
    ...(pqSignature ? { pqSignature: toBase64url(pqSignature) } : {}),
  };
}

/** Whether every key that the signer is known to have has signed. */
export async function isSignedBy(
  { did, mlDsa65 }: SignerKeys,
  label: string,
  transcript: Uint8Array,
  signatures: { readonly signature?: unknown; readonly pqSignature?: unknown },
): Promise<boolean> {
  const signature = fromBase64url(signatures.signature, 64);
  if (!signature) return false;
  const crypto = await platform();
  const verifier = await crypto.ed25519.verifier(decodeDidKey(did));
  if (!(await verifier.verify(transcript, signature))) return false;
  if (mlDsa65 === undefined) return true;
  const key = fromBase64url(mlDsa65, 1952);
  const pqSignature = fromBase64url(signatures.pqSignature, 3309);
  if (!key || !pqSignature) return false;
  return (await crypto.mlDsa65.verifier(key)).verify(transcript, pqSignature, Buffer.from(label));
}
