import type { CryptoProvider, Did } from '@private.me/xlink';
import { type AttestationEnrollment, readAttestation } from '../attest/attester.js';
import { XfuseError } from '../errors.js';
import { type Argon2Cost, type Argon2id, platformArgon2 } from '../signals/argon2.js';
import { DeviceSecret } from '../signals/device.js';
import { harden, type Oprf } from '../signals/oprf.js';
import { concat, fromBase64url, toBase64url, utf8, wipe } from '../util/bytes.js';
import { deriveKey } from '../util/sealing.js';
import type { FusionRecord, PasswordParameters, SignalType, StoredSignal } from './record.js';

/** A password, or another thing that is known. */
export interface PasswordSignal {
  /** The type. */
  readonly type: 'password';
  /** 8 to 1024 characters. */
  readonly value: string;
  /** Which of several: 1 to 32 letters, digits and hyphens. Default: the one without a name. */
  readonly name?: string;
}

/** A signal to enroll. */
export type NewSignal =
  | PasswordSignal
  | { readonly type: 'device' | 'biometric'; readonly value: DeviceSecret }
  | { readonly type: 'attestation'; readonly value: AttestationEnrollment };

/** A gate to enroll: the secret of one-time codes as base32 or 16 to 64 bytes. */
export interface NewGate {
  /** The type. */
  readonly type: 'totp';
  /** What the app got, too. */
  readonly value: string | Uint8Array;
}

/** A signal as it is presented. `totp` is a gate: it is checked, and counts for nothing. */
export type PresentedSignal =
  | PasswordSignal
  | { readonly type: 'device' | 'biometric'; readonly value: DeviceSecret }
  | { readonly type: 'attestation'; readonly value: string }
  | { readonly type: 'totp'; readonly value: string };

/** What signals need. */
export interface SignalTools {
  readonly crypto: CryptoProvider;
  readonly account: string;
  readonly argon2: Argon2Cost;
  readonly oprf?: Oprf;
  readonly now: number;
  readonly audience: string;
}

/** What is stored of a new signal, and the key that it releases. */
export interface ReadySignal {
  readonly description: Pick<StoredSignal, 'id' | 'type' | 'kind' | 'issuer' | 'password'>;
  readonly key: Uint8Array;
}

const BIOMETRICS = /^(biometrics?|fingerprint|face|iris|retina|voice|palm|template)/i;

/** Throws `BIOMETRIC_TEMPLATE_REFUSED`, `SIGNAL_UNKNOWN_TYPE`, `SIGNAL_INVALID…` for what is no signal. */
export function checkSignal(signal: {
  readonly type?: unknown;
  readonly value?: unknown;
  readonly name?: unknown;
}): void {
  const { type, value, name } = signal ?? {};
  const isBiometric = typeof type === 'string' && BIOMETRICS.test(type);
  if (isBiometric && !(type === 'biometric' && value instanceof DeviceSecret))
    throw new XfuseError('BIOMETRIC_TEMPLATE_REFUSED', { field: 'value' });
  if (type === 'biometric' && !(value as DeviceSecret).userVerified)
    throw new XfuseError('SIGNAL_INVALID:USER_NOT_VERIFIED');
  if (!['password', 'device', 'biometric', 'attestation', 'totp'].includes(type as string))
    throw new XfuseError('SIGNAL_UNKNOWN_TYPE', { field: 'type' });
  if (type === 'device' && !(value instanceof DeviceSecret))
    throw new XfuseError('SIGNAL_INVALID', {
      field: 'value',
      hint: 'A device signal is what passkey(), userVerified(), deviceKeyFile() or fromRecoveryCode() return.',
    });
  if (type === 'password' && name !== undefined && !/^[\w-]{1,32}$/.test(String(name)))
    throw new XfuseError('SIGNAL_INVALID', { field: 'name' });
  if (type === 'password' && (typeof value !== 'string' || value.length > 1024))
    throw new XfuseError('SIGNAL_INVALID', {
      field: 'value',
      hint: 'A password is a text of at most 1024 characters.',
    });
}

/** A signal to enroll, with what is stored of it. */
export async function readySignal(signal: NewSignal, tools: SignalTools): Promise<ReadySignal> {
  checkSignal(signal);
  const { crypto, account } = tools;
  if (signal.type === 'password') {
    if ([...signal.value].length < 8)
      throw new XfuseError('SIGNAL_INVALID', {
        field: 'value',
        hint: 'A password has at least 8 characters.',
      });
    const password: PasswordParameters = {
      salt: toBase64url(crypto.randomBytes(16)),
      argon2: tools.argon2,
      ...(tools.oprf ? { oprf: await publicKeyOf(tools.oprf, account) } : {}),
    };
    const key = await passwordKey(signal.value, password, tools);
    return { description: { id: passwordId(signal), type: 'password', password }, key };
  }
  if (signal.type === 'attestation') {
    const { issuer, releaseKey } = signal.value ?? {};
    const released = fromBase64url(releaseKey);
    if (released?.length !== 32 || typeof issuer !== 'string' || !issuer.startsWith('did:key:'))
      throw new XfuseError('SIGNAL_INVALID', { field: 'value' });
    const id = await idOf(crypto, account, utf8(issuer));
    return { description: { id, type: 'attestation', issuer }, key: await attestationKey(crypto, released) };
  }
  const id = await deviceId(crypto, account, signal.value);
  const { type, value } = signal;
  return { description: { id, type, kind: value.kind }, key: await deviceKey(crypto, value) };
}

/** Checks statements of attesters: they cost little, and what is wrong with one is no secret. Throws `ATTESTATION_INVALID…`. */
export async function assertStatements(
  record: FusionRecord,
  presented: readonly PresentedSignal[],
  { crypto, account, audience, now }: SignalTools,
): Promise<void> {
  const issuers = record.signals
    .filter(({ type }) => type === 'attestation')
    .map(({ issuer }) => issuer as Did);
  for (const { type, value } of presented)
    if (type === 'attestation') await readAttestation(crypto, value, { issuers, account, audience, now });
}

/** The keys that the presented signals release, each with the stored signal that it is for; `undefined` where there is none such. */
export async function releasedKeys(
  record: FusionRecord,
  presented: readonly PresentedSignal[],
  tools: SignalTools,
): Promise<{ readonly stored: StoredSignal | undefined; readonly key: Uint8Array | undefined }[]> {
  const found: { stored: StoredSignal | undefined; key: Uint8Array | undefined }[] = [];
  // Statements first: they cost little, and what is wrong with one is no secret.
  const ordered = [...presented].sort((a, b) => weight(a) - weight(b));
  for (const signal of ordered) {
    if (signal.type === 'totp') continue;
    found.push(await released(record, signal, tools));
  }
  const ids = found.map(({ stored }) => stored?.id);
  if (new Set(ids).size < ids.length && !ids.includes(undefined)) throw new XfuseError('SIGNAL_DUPLICATE');
  return found;
}

const weight = ({ type }: PresentedSignal): number =>
  type === 'attestation' ? 0 : type === 'password' ? 2 : 1;

async function released(
  record: FusionRecord,
  signal: Exclude<PresentedSignal, { type: 'totp' }>,
  tools: SignalTools,
) {
  const { crypto, account, audience, now } = tools;
  const of = (type: SignalType) => record.signals.filter((one) => one.type === type);
  if (signal.type === 'password') {
    const stored = of('password').find(({ id }) => id === passwordId(signal));
    return { stored, key: stored && (await passwordKey(signal.value, stored.password!, tools)) };
  }
  if (signal.type === 'attestation') {
    const issuers = of('attestation').map(({ issuer }) => issuer as Did);
    const said = await readAttestation(crypto, signal.value, { issuers, account, audience, now });
    const stored = of('attestation').find(({ issuer }) => issuer === said.issuer);
    return { stored, key: await attestationKey(crypto, said.key) };
  }
  const id = await deviceId(crypto, account, signal.value);
  const stored = record.signals.find((one) => one.id === id && one.type === signal.type);
  return { stored, key: stored && (await deviceKey(crypto, signal.value)) };
}

async function publicKeyOf(oprf: Oprf, account: string): Promise<string> {
  try {
    return await oprf.publicKey(account);
  } catch (cause) {
    throw cause instanceof XfuseError ? cause : new XfuseError('OPRF_FAILED', { cause });
  }
}

let argon2: Promise<Argon2id> | undefined;

/** The key that a password releases. */
export async function passwordKey(
  password: string,
  { salt, argon2: cost, oprf: publicKey }: PasswordParameters,
  { crypto, account, oprf }: SignalTools,
): Promise<Uint8Array> {
  if (publicKey !== undefined && !oprf) throw new XfuseError('OPRF_MISSING');
  argon2 ??= platformArgon2();
  const stretch = await argon2;
  // NFC, so that the same letters give the same bytes on every keyboard (RFC 8265 section 4.2.2).
  const stretched = await stretch(
    utf8(password.normalize('NFC')),
    fromBase64url(salt) ?? new Uint8Array(16),
    cost,
  );
  const hardened =
    publicKey === undefined ? new Uint8Array() : await harden(oprf!, account, publicKey, stretched);
  const all = concat([stretched, hardened]);
  const key = await deriveKey(crypto, all, 'xlink/1 xfuse password');
  wipe(stretched, hardened, all);
  return key;
}

const attestationKey = (crypto: CryptoProvider, released: Uint8Array) =>
  deriveKey(crypto, released, 'xlink/1 xfuse attestation');

const deviceKey = (crypto: CryptoProvider, device: DeviceSecret) =>
  deriveKey(crypto, device.key, 'xlink/1 xfuse device');

const passwordId = ({ name }: PasswordSignal): string =>
  name === undefined ? 'password' : `password:${name}`;

/** One id for one device, whichever of its keys is shown. */
const deviceId = (crypto: CryptoProvider, account: string, device: DeviceSecret) =>
  idOf(crypto, account, device.credential === undefined ? device.key : utf8(device.credential));

async function idOf(crypto: CryptoProvider, account: string, secret: Uint8Array): Promise<string> {
  const id = await deriveKey(crypto, secret, 'xlink/1 xfuse signal id', account);
  return toBase64url(id.subarray(0, 12));
}
