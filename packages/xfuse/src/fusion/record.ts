import type { Did } from '@private.me/xlink';
import { XfuseError } from '../errors.js';
import { type Argon2Cost, isFairCost } from '../signals/argon2.js';

/** What a signal can be. `totp` is a gate and no signal. */
export type SignalType = 'password' | 'device' | 'biometric' | 'attestation';

/** How a password is stretched. */
export interface PasswordParameters {
  /** 16 bytes as base64url. */
  readonly salt: string;
  /** Cost of argon2id. */
  readonly argon2: Argon2Cost;
  /** Public key of the OPRF server for this account, base64url; absent where there is none. */
  readonly oprf?: string;
}

/** One signal of a record. */
export interface StoredSignal {
  /** Says nothing about the signal, and is another one in each account. */
  readonly id: string;
  /** Which type it is. */
  readonly type: SignalType;
  /** Of a device: what holds its key. */
  readonly kind?: string;
  /** Of an attestation: who says it. */
  readonly issuer?: Did;
  /** Of a password. */
  readonly password?: PasswordParameters;
  /** The key of its share, under the key that the signal releases. */
  readonly wrapped: string;
  /** The key of its share, under a key of the shared secret: so that shares can be dealt anew without this signal. */
  readonly managed: string;
  /** Its share, under the key of its share. */
  readonly share: string;
}

/** What is stored of an account: sealed shares. It is no secret by itself, but whoever has it can guess guessable signals. */
export interface FusionRecord {
  /** Version of the layout. */
  readonly v: 1;
  /** Whose it is. */
  readonly account: string;
  /** The stable DID. */
  readonly fusedDid: Did;
  /** How many signals are enough. */
  readonly threshold: number;
  /** Counts how often shares were dealt; sessions of lower generations are over once signals were removed. */
  readonly generation: number;
  /** The signals. */
  readonly signals: readonly StoredSignal[];
  /** Secret of one-time codes, under a key of the shared secret. */
  readonly gate?: string;
  /** Who proofed the person; signed by others, and so outside of `mac`. */
  readonly proofing?: string;
  /** Under a key of the shared secret, over all the rest but `proofing`; base64url. */
  readonly mac: string;
}

/** Most signals of an account. */
export const MAX_SIGNALS = 8;

const isText = (value: unknown, most = 4096): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= most;
const TYPES: readonly unknown[] = ['password', 'device', 'biometric', 'attestation'];

/** The record, checked for its form and its account. Throws `RECORD_INVALID…`. */
export function readRecord(value: unknown, account: string): FusionRecord {
  const record = value as FusionRecord;
  const { v, signals, threshold, generation } = (record ?? {}) as Partial<FusionRecord>;
  const isRecord =
    v === 1 &&
    isText(record.account, 256) &&
    isText(record.fusedDid, 128) &&
    isText(record.mac, 64) &&
    Number.isSafeInteger(generation) &&
    Array.isArray(signals) &&
    signals.length <= MAX_SIGNALS &&
    Number.isInteger(threshold) &&
    threshold! >= 2 &&
    threshold! <= signals.length &&
    signals.every(isSignal) &&
    new Set(signals.map(({ id }) => id)).size === signals.length;
  if (!isRecord) throw new XfuseError('RECORD_INVALID');
  if (record.account !== account) throw new XfuseError('RECORD_INVALID:OTHER_ACCOUNT');
  const weak = signals.find(({ password }) => password && !isFairCost(password.argon2));
  if (weak) throw new XfuseError('RECORD_INVALID:WEAK');
  return record;
}

function isSignal(signal: StoredSignal): boolean {
  if (typeof signal !== 'object' || signal === null) return false;
  const { id, type, wrapped, managed, share, password, issuer } = signal;
  const hasOwn =
    type === 'password'
      ? isText(password?.salt, 64) && typeof password?.argon2 === 'object' && password.argon2 !== null
      : type !== 'attestation' || isText(issuer, 128);
  return (
    isText(id, 64) &&
    TYPES.includes(type) &&
    [wrapped, managed].every((one) => isText(one)) &&
    isText(share, 65_536) &&
    hasOwn
  );
}

/** Everything that `mac` is over, in one order. */
export function macInput(record: Omit<FusionRecord, 'mac'>): string {
  const { v, account, fusedDid, threshold, generation, signals, gate } = record;
  const listed = signals.map(({ id, type, kind, issuer, password, wrapped, managed, share }) => [
    id,
    type,
    kind ?? null,
    issuer ?? null,
    password
      ? [
          password.salt,
          password.argon2.memoryKiB,
          password.argon2.passes,
          password.argon2.parallelism,
          password.oprf ?? null,
        ]
      : null,
    wrapped,
    managed,
    share,
  ]);
  return JSON.stringify([v, account, fusedDid, threshold, generation, listed, gate ?? null]);
}
