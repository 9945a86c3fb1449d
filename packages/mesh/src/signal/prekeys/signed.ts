import { MeshError } from '../../errors/mesh-error.js';
import { concat, lengthPrefixed, u32, u64 } from '../../util/bytes.js';
import { Reader, u16 } from '../crypto/reader.js';
import { BATCH_LABEL, LEAF_LABEL, PREKEY_LABEL, SIGNED_IDENTITY_LABEL } from '../labels.js';
import type { FetchedBundle, OneTimePrekey, SignedPrekey } from './bundle.js';
import { merkleTree, rootOf } from './merkle.js';

/** Signs with the Ed25519 key of the own DID; 64 bytes. */
export type Sign = (content: Uint8Array) => Promise<Uint8Array>;
/** Whether the DID, which still counts, has signed this. */
export type Verify = (did: string, content: Uint8Array, signature: Uint8Array) => Promise<boolean>;

/** Which key a signature is about. */
export type PrekeyKind = 'x25519' | 'ml-kem-768 last resort';

/** What is signed about a prekey. Bytes are raw. */
export const prekeyStatement = (
  kind: PrekeyKind,
  { id, notAfter }: { readonly id: number; readonly notAfter: number },
  identity: Uint8Array,
  key: Uint8Array,
): Uint8Array => lengthPrefixed(PREKEY_LABEL, kind, u32(id), u64(notAfter), identity, key);

/** What is signed about the identity key of Signal channels, for those who begin. */
export const identityStatement = (did: string, identity: Uint8Array): Uint8Array =>
  lengthPrefixed(SIGNED_IDENTITY_LABEL, did, identity);

const batchStatement = (
  { notAfter, size }: { readonly notAfter: number; readonly size: number },
  identity: Uint8Array,
  root: Uint8Array,
): Uint8Array => lengthPrefixed(BATCH_LABEL, u64(notAfter), u32(size), identity, root);

/** A one-time key of each kind, as raw bytes. */
export interface RawOneTime {
  readonly id: number;
  readonly x25519: Uint8Array;
  readonly kem: Uint8Array;
}

const leafOf = ({ id, x25519, kem }: RawOneTime): Uint8Array =>
  lengthPrefixed(LEAF_LABEL, u32(id), x25519, kem);

export const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
export const toBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));

/** Signs a batch once, and gives every key its path. At least one key. */
export async function signBatch(
  keys: readonly RawOneTime[],
  identity: Uint8Array,
  notAfter: number,
  sign: Sign,
): Promise<OneTimePrekey[]> {
  const { root, paths } = merkleTree(keys.map(leafOf));
  const signature = await sign(batchStatement({ notAfter, size: keys.length }, identity, root));
  return keys.map(({ id, x25519, kem }, index) => {
    const proof = concat(u64(notAfter), u16(keys.length), u16(index), ...paths[index]!, signature);
    return { id, key: toText(x25519), kem: { id, key: toText(kem), signature: toText(proof) } };
  });
}

/** A bundle that was verified, as raw bytes. */
export interface VerifiedBundle {
  readonly did: string;
  readonly identity: Uint8Array;
  readonly signedPrekey: { readonly id: number; readonly key: Uint8Array };
  /** `lastResort`: it is not used up by this. */
  readonly kem: { readonly id: number; readonly key: Uint8Array; readonly lastResort: boolean };
  readonly oneTime?: { readonly id: number; readonly key: Uint8Array };
}

/**
 * Verifies every signature of a bundle, and that none has ended. Throws `SIGNAL_PREKEY_SIGNATURE` or
 * `SIGNAL_PREKEY_SIGNATURE:EXPIRED`.
 */
export async function verifyBundle(
  bundle: FetchedBundle,
  did: string,
  verify: Verify,
  now: number,
): Promise<VerifiedBundle> {
  if (bundle.did !== did) throw new MeshError('SIGNAL_PREKEY_SIGNATURE');
  const identity = bytesOf(bundle.identity, 32);
  const signedPrekey = await verifySigned('x25519', bundle.signedPrekey, 32);
  const lastResort = await verifySigned('ml-kem-768 last resort', bundle.kem, 1184);
  if (!bundle.oneTime) return { did, identity, signedPrekey, kem: { ...lastResort, lastResort: true } };
  const { id, key, kem } = await verifyOneTime(bundle.oneTime);
  return { did, identity, signedPrekey, kem: { id, key: kem, lastResort: false }, oneTime: { id, key } };

  async function verifySigned(kind: PrekeyKind, signed: SignedPrekey, length: number) {
    const key = bytesOf(signed.key, length);
    const { id, notAfter } = signed;
    await check(prekeyStatement(kind, { id, notAfter }, identity, key), bytesOf(signed.signature, 64));
    if (notAfter <= now) throw new MeshError('SIGNAL_PREKEY_SIGNATURE:EXPIRED');
    return { id, key };
  }

  async function verifyOneTime({ id, key, kem }: OneTimePrekey) {
    if (!kem || kem.id !== id) throw new MeshError('SIGNAL_PREKEY_SIGNATURE');
    const raw = { id, x25519: bytesOf(key, 32), kem: bytesOf(kem.key, 1184) };
    const { notAfter, size, index, path, signature } = readProof(toBytes(kem.signature));
    const root = rootOf(leafOf(raw), index, size, path);
    if (!root) throw new MeshError('SIGNAL_PREKEY_SIGNATURE');
    await check(batchStatement({ notAfter, size }, identity, root), signature);
    if (notAfter <= now) throw new MeshError('SIGNAL_PREKEY_SIGNATURE:EXPIRED');
    return { id, key: raw.x25519, kem: raw.kem };
  }

  async function check(content: Uint8Array, signature: Uint8Array): Promise<void> {
    if (!(await verify(did, content, signature))) throw new MeshError('SIGNAL_PREKEY_SIGNATURE');
  }
}

function readProof(bytes: Uint8Array) {
  if (bytes.length < 76 || (bytes.length - 76) % 32 !== 0) throw new MeshError('SIGNAL_PREKEY_SIGNATURE');
  const reader = new Reader(bytes);
  const notAfter = reader.u64();
  const [size, index] = [reader.u16(), reader.u16()];
  const path = Array.from({ length: (bytes.length - 76) / 32 }, () => reader.take(32));
  return { notAfter, size, index, path, signature: reader.take(64) };
}

function bytesOf(text: unknown, length: number): Uint8Array {
  const bytes = typeof text === 'string' ? toBytes(text) : undefined;
  if (bytes?.length !== length) throw new MeshError('SIGNAL_PREKEY_SIGNATURE');
  return bytes;
}
