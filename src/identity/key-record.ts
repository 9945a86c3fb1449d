import { defaultProvider } from '#provider';
import { EMPTY, lengthPrefixed } from '../crypto/bytes.js';
import type { CryptoProvider, Verifier } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import { type Clock, type KeyRecord, NO_EXPIRY } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { isMembers } from '../util/members.js';
import { checkOptions, integerIn, isObject, isPromptFunction, type OptionCheck } from '../util/options.js';
import { encodeUtf8 } from '../util/utf8.js';
import { decodeDidKey } from './did.js';
import type { Identity } from './identity.js';

const LABEL = encodeUtf8('xlink/1 key-record');

/** Public keys of a verified key record, as bytes. */
export interface RecordKeys {
  readonly x25519: Uint8Array;
  readonly mlKem768: Uint8Array | undefined;
  readonly mlDsa65: Uint8Array | undefined;
}

type Validity = Pick<KeyRecord, 'keyEpoch' | 'notBefore' | 'notAfter'>;

/** Keys that are derived from the seed: for as long as the identity is used. */
export const DERIVED_KEYS: Validity = { keyEpoch: 0, notBefore: 0, notAfter: NO_EXPIRY };

/** The bytes that the signature keys of the DID sign. What is absent is empty. */
function transcriptOf(
  { did, epoch, keyEpoch, notBefore, notAfter }: Omit<KeyRecord, 'x25519' | 'signature'>,
  { x25519, mlKem768, mlDsa65 }: RecordKeys,
  next: Uint8Array | undefined,
): Uint8Array {
  return lengthPrefixed([
    LABEL,
    did,
    epoch,
    keyEpoch,
    notBefore,
    notAfter,
    x25519,
    mlKem768 ?? EMPTY,
    mlDsa65 ?? EMPTY,
    next ?? EMPTY,
  ]);
}

const NUMBERS = ['epoch', 'keyEpoch', 'notBefore', 'notAfter'] as const;
const TEXTS = ['did', 'x25519', 'mlKem768', 'mlDsa65', 'next', 'signature', 'pqSignature'] as const;

/** A frozen copy of the members of a key record, of the right types but otherwise unchecked; `undefined` for anything else. */
export function copyKeyRecord(value: unknown): KeyRecord | undefined {
  if (!isMembers(value)) return undefined;
  const members = [...NUMBERS, ...TEXTS].map((name) => [name, value[name]] as const);
  const record = Object.fromEntries(members.filter(([, member]) => member !== undefined));
  const hasAll = [...NUMBERS, 'did', 'x25519', 'signature'].every((name) => record[name] !== undefined);
  const isTyped = Object.entries(record).every(([name, member]) =>
    (NUMBERS as readonly string[]).includes(name) ? isCount(member) : typeof member === 'string',
  );
  return hasAll && isTyped ? (Object.freeze(record) as unknown as KeyRecord) : undefined;
}

const isHash: OptionCheck = (value) =>
  value instanceof Uint8Array && value.length === 32 ? undefined : '32 bytes';

/** Options of {@link createKeyRecord}: what a key record says beside the keys. */
export interface KeyRecordOptions {
  /** Default: the current Unix time in seconds, so that a record made after a change supersedes the one before. */
  readonly epoch?: number;
  /** SHA-256 of the only DID that may succeed this one, 32 bytes. Default: any may that this one signs for. */
  readonly next?: Uint8Array;
  /** Encryption keys other than those derived from the seed, and when they are good. */
  readonly encryption?: Validity & Pick<Identity, 'x25519' | 'mlKem768'>;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/**
 * Signs the public keys of an identity, with its ML-DSA key too if it has one: that proves possession, so that nobody
 * publishes the ML-DSA key of somebody else. Throws `INVALID_OPTION`.
 */
export async function createKeyRecord(
  identity: Identity,
  options: KeyRecordOptions = {},
): Promise<KeyRecord> {
  checkOptions('createKeyRecord', options, {
    epoch: integerIn(0, Number.MAX_SAFE_INTEGER),
    next: isHash,
    encryption: isObject,
    clock: isPromptFunction,
  });
  const { epoch: wanted, next, encryption, clock = Date.now } = options;
  const epoch = wanted ?? Math.floor(clock() / 1000);
  const { x25519, mlKem768 } = encryption ?? identity;
  const { keyEpoch, notBefore, notAfter } = encryption ?? DERIVED_KEYS;
  const keys: RecordKeys = {
    x25519: x25519.publicKey,
    mlKem768: mlKem768?.publicKey,
    mlDsa65: identity.mlDsa65?.publicKey,
  };
  const head = { did: identity.did, epoch, keyEpoch, notBefore, notAfter };
  const bytes = transcriptOf(head, keys, next);
  const pqSignature = await identity.mlDsa65?.sign(bytes, LABEL);
  return Object.freeze({
    ...head,
    x25519: encodeBase64url(keys.x25519),
    ...(keys.mlKem768 ? { mlKem768: encodeBase64url(keys.mlKem768) } : {}),
    ...(keys.mlDsa65 ? { mlDsa65: encodeBase64url(keys.mlDsa65) } : {}),
    ...(next ? { next: encodeBase64url(next) } : {}),
    signature: encodeBase64url(await identity.ed25519.sign(bytes)),
    ...(pqSignature ? { pqSignature: encodeBase64url(pqSignature) } : {}),
  });
}

/** Checks shape and signatures of a key record from anywhere, and returns its keys. Throws `KEY_RECORD_INVALID`. */
export async function verifyKeyRecord(
  record: KeyRecord,
  ed25519: Verifier,
  crypto: CryptoProvider,
): Promise<RecordKeys> {
  const keys: RecordKeys = {
    x25519: key(record.x25519, 32, 'x25519')!,
    mlKem768: key(record.mlKem768, 1184, 'mlKem768'),
    mlDsa65: key(record.mlDsa65, 1952, 'mlDsa65'),
  };
  if (!keys.x25519) throw invalid('x25519');
  if (keys.mlDsa65 && !keys.mlKem768) throw invalid('mlKem768');
  for (const name of ['epoch', 'keyEpoch', 'notBefore', 'notAfter'] as const)
    if (!isCount(record[name])) throw invalid(name);
  if (record.notAfter < record.notBefore) throw invalid('notAfter');
  const next = key(record.next, 32, 'next');
  const signature = key(record.signature, 64, 'signature');
  const pqSignature = key(record.pqSignature, 3309, 'pqSignature');
  if ((keys.mlDsa65 === undefined) !== (pqSignature === undefined)) throw invalid('pqSignature');
  const bytes = transcriptOf(record, keys, next);
  if (!signature || !(await ed25519.verify(bytes, signature))) throw invalid('signature');
  if (
    keys.mlDsa65 &&
    !(await (await crypto.mlDsa65.verifier(keys.mlDsa65)).verify(bytes, pqSignature!, LABEL))
  )
    throw invalid('pqSignature');
  return keys;
}

/** What the signatures of a record that was verified cover. */
export const recordTranscript = (record: KeyRecord): Uint8Array => {
  const { x25519, mlKem768, mlDsa65, next } = record;
  const bytes = (text: string | undefined) => (text === undefined ? undefined : decodeBase64url(text)!);
  const keys = { x25519: bytes(x25519)!, mlKem768: bytes(mlKem768), mlDsa65: bytes(mlDsa65) };
  return transcriptOf(record, keys, bytes(next));
};

/** Checks a key record from anywhere, for those who write a trust registry. Throws `KEY_RECORD_INVALID` or `INVALID_DID`. */
export async function assertKeyRecord(
  record: KeyRecord,
  crypto: CryptoProvider = defaultProvider(),
): Promise<void> {
  await verifyKeyRecord(record, await crypto.ed25519.verifier(decodeDidKey(record.did)), crypto);
}

/**
 * Throws unless `next` may take the place of `known`: other keys need a higher epoch (`KEY_RECORD_ROLLED_BACK`) and may
 * not lack a post-quantum key that was there (`KEY_RECORD_DOWNGRADED`). An ML-DSA key and the `next` that was published never
 * change (`KEY_RECORD_INVALID`), and the number of the encryption keys only rises. Both records are verified already.
 */
export function assertSuccessor(known: KeyRecord, next: KeyRecord): void {
  if (sameKeys(known, next)) return;
  if (next.epoch <= known.epoch) throw xlinkError('KEY_RECORD_ROLLED_BACK', { field: 'epoch' });
  for (const name of ['mlKem768', 'mlDsa65'] as const) {
    if (known[name] && !next[name]) throw xlinkError('KEY_RECORD_DOWNGRADED', { field: name });
  }
  // It vouches for the DID beside Ed25519: another one takes another DID, by succession.
  if (known.mlDsa65 && known.mlDsa65 !== next.mlDsa65)
    throw xlinkError('KEY_RECORD_INVALID', { field: 'mlDsa65' });
  // Else a thief of the seed would publish a record that commits to a DID of his.
  if (known.next && known.next !== next.next) throw xlinkError('KEY_RECORD_INVALID', { field: 'next' });
  if (next.keyEpoch < known.keyEpoch) throw xlinkError('KEY_RECORD_ROLLED_BACK', { field: 'keyEpoch' });
}

const SAID = ['x25519', 'mlKem768', 'mlDsa65', 'keyEpoch', 'notBefore', 'notAfter', 'next'] as const;

/** Whether two records say the same of a DID, whenever they were signed. */
export const sameKeys = (a: KeyRecord, b: KeyRecord): boolean => SAID.every((name) => a[name] === b[name]);

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const invalid = (field: string) => xlinkError('KEY_RECORD_INVALID', { field });

function key(text: string | undefined, length: number, field: string): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const bytes = typeof text === 'string' ? decodeBase64url(text) : undefined;
  if (bytes?.length !== length) throw invalid(field);
  return bytes;
}
