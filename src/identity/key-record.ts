import { defaultProvider } from '#provider';
import { EMPTY, lengthPrefixed, uint64 } from '../crypto/bytes.js';
import type { CryptoProvider, Verifier } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { Clock, KeyRecord } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import { isMembers } from '../util/members.js';
import { checkOptions, integerIn, isFunction } from '../util/options.js';
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

/** The bytes that the Ed25519 key of the DID signs. A key that is absent is empty. */
function transcript(did: string, epoch: number, keys: RecordKeys): Uint8Array {
  return lengthPrefixed([
    LABEL,
    encodeUtf8(did),
    uint64(epoch),
    keys.x25519,
    keys.mlKem768 ?? EMPTY,
    keys.mlDsa65 ?? EMPTY,
  ]);
}

/** Options of {@link createKeyRecord}. */
export interface KeyRecordOptions {
  /** Rises with every change of keys. Default: the Unix time of `clock`, in seconds. */
  readonly epoch?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/**
 * Signs the public keys of an identity. `epoch` defaults to the current Unix time in seconds, so that a record made
 * after a change of keys supersedes the one before. Throws `INVALID_OPTION`.
 */
export async function createKeyRecord(
  identity: Identity,
  options: KeyRecordOptions = {},
): Promise<KeyRecord> {
  checkOptions('createKeyRecord', options, {
    epoch: integerIn(0, Number.MAX_SAFE_INTEGER),
    clock: isFunction,
  });
  const epoch = options.epoch ?? Math.floor((options.clock ?? Date.now)() / 1000);
  const keys: RecordKeys = {
    x25519: identity.x25519.publicKey,
    mlKem768: identity.mlKem768?.publicKey,
    mlDsa65: identity.mlDsa65?.publicKey,
  };
  return Object.freeze({
    did: identity.did,
    epoch,
    x25519: encodeBase64url(keys.x25519),
    ...(keys.mlKem768 ? { mlKem768: encodeBase64url(keys.mlKem768) } : {}),
    ...(keys.mlDsa65 ? { mlDsa65: encodeBase64url(keys.mlDsa65) } : {}),
    signature: encodeBase64url(await identity.ed25519.sign(transcript(identity.did, epoch, keys))),
  });
}

/** Checks shape and signature of a key record from anywhere, and returns its keys. Throws `KEY_RECORD_INVALID`. */
export async function verifyKeyRecord(record: KeyRecord, verifier: Verifier): Promise<RecordKeys> {
  const keys: RecordKeys = {
    x25519: key(record.x25519, 32, 'x25519')!,
    mlKem768: key(record.mlKem768, 1184, 'mlKem768'),
    mlDsa65: key(record.mlDsa65, 1952, 'mlDsa65'),
  };
  if (!keys.x25519) throw invalid('x25519');
  if (keys.mlDsa65 && !keys.mlKem768) throw invalid('mlKem768');
  if (!isEpoch(record.epoch)) throw invalid('epoch');
  const signature = key(record.signature, 64, 'signature');
  const genuine = signature && (await verifier.verify(transcript(record.did, record.epoch, keys), signature));
  if (!genuine) throw invalid('signature');
  return keys;
}

/** Checks a key record from anywhere, for those who write a trust registry. Throws `KEY_RECORD_INVALID` or `INVALID_DID`. */
export async function assertKeyRecord(
  record: KeyRecord,
  crypto: CryptoProvider = defaultProvider(),
): Promise<void> {
  await verifyKeyRecord(record, await crypto.ed25519.verifier(decodeDidKey(record.did)));
}

/**
 * Throws unless `next` may take the place of `known`: other keys need a higher epoch (`KEY_RECORD_ROLLED_BACK`) and may
 * not lack a post-quantum key that was there (`KEY_RECORD_DOWNGRADED`). Both records are verified already.
 */
export function assertSuccessor(known: KeyRecord, next: KeyRecord): void {
  if (sameKeys(known, next)) return;
  if (next.epoch <= known.epoch) throw xlinkError('KEY_RECORD_ROLLED_BACK', { field: 'epoch' });
  for (const name of ['mlKem768', 'mlDsa65'] as const) {
    if (known[name] && !next[name]) throw xlinkError('KEY_RECORD_DOWNGRADED', { field: name });
  }
}

export const sameKeys = (a: KeyRecord, b: KeyRecord): boolean =>
  a.x25519 === b.x25519 && a.mlKem768 === b.mlKem768 && a.mlDsa65 === b.mlDsa65;

/** All of them: `KeyRecord` has no member that is not signed, but for the signature. */
export const KEY_RECORD_MEMBERS = ['did', 'epoch', 'x25519', 'mlKem768', 'mlDsa65', 'signature'] as const;

/** A frozen copy of the known members of a key record, unchecked; `undefined` for what is no object. */
export function copyKeyRecord(value: unknown): KeyRecord | undefined {
  if (!isMembers(value)) return undefined;
  const members = KEY_RECORD_MEMBERS.map((name) => [name, value[name]] as const);
  return Object.freeze(given(Object.fromEntries(members))) as never;
}

const isEpoch = (epoch: unknown): boolean => Number.isSafeInteger(epoch) && (epoch as number) >= 0;
const invalid = (field: string) => xlinkError('KEY_RECORD_INVALID', { field });

function key(text: string | undefined, length: number, field: string): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const bytes = typeof text === 'string' ? decodeBase64url(text) : undefined;
  if (bytes?.length !== length) throw invalid(field);
  return bytes;
}
