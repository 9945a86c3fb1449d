import { decodeDidKey } from '@private.me/xlink/verify';
import { isOrigin } from '../challenge/challenge.js';
import { type KnownPasskeys, MemoryKnownPasskeys } from '../device/known.js';
import { XlockError } from '../errors.js';
import type { PasskeyMeta } from '../passkey/meta.js';
import type { PasskeyVault } from '../passkey/vault.js';
import { fromBase64url, isMembers, lengthPrefixed, sha256, toBase64url } from '../util/bytes.js';
import { checkNames, checkValue, hasMethods, invalidOption, isFunction } from '../util/options.js';
import { type Cbor, cbor } from './cbor.js';

/** What the user is asked before a key is made or used. */
export interface SoftRequest {
  readonly kind: 'create' | 'get';
  /** Origin of the page that asks. */
  readonly origin: string;
  /** Domain that the passkey is for. */
  readonly rpId: string;
  /** For people, of `create`, as the page says it; otherwise empty. */
  readonly userName: string;
}

/** `verified`: and it was made sure that it is the user, by PIN or the like. */
export type SoftConsent = 'denied' | 'present' | 'verified';

/** Options of {@link SoftAuthenticator}. */
export interface SoftAuthenticatorOptions {
  /** Where the keys are split and put together. */
  readonly vault: PasskeyVault;
  /** Asks the user. What it rejects with counts as a denial. */
  readonly consent: (request: SoftRequest) => Promise<SoftConsent> | SoftConsent;
  /** Which keys there are. Default: in memory. */
  readonly known?: KnownPasskeys;
  /**
   * Domains that pages of hosts below them may ask for, such as `acme.com` for `login.acme.com`. Default none: a page may ask for its own
   * host only, since which domains are public suffixes is not known here.
   */
  readonly domains?: readonly string[];
}

/** What `toJSON` of a credential gives (WebAuthn level 3, 5.1): of `create` with `attestationObject`, of `get` with `signature`. */
export interface SoftCredential {
  readonly id: string;
  readonly rawId: string;
  readonly type: 'public-key';
  readonly authenticatorAttachment: 'platform';
  readonly clientExtensionResults: Readonly<Record<string, never>>;
  readonly response: Readonly<Record<string, string | number | readonly string[]>> & {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
  };
}

/** AAGUID of this authenticator, the same for everybody: SHA-256 of `xlink/1 xlock soft authenticator`, shortened to a UUID (RFC 9562, version 8). */
export const SOFT_AAGUID = 'd349f959-e911-8926-972b-c2383db0cc36';
const EDDSA = -8;
const FLAGS = { present: 0x01, verified: 0x04, mayBeBackedUp: 0x08, isBackedUp: 0x10, hasKey: 0x40 };

/**
 * An authenticator in software: `navigator.credentials` of pages that opt in (`answerCredentials` of `@private.me/xlock/webauthn-page`) is answered
 * with passkeys of the vault, Ed25519 (COSE -8), attestation `none`, without a counter, as such that are backed up. Unlike with a
 * platform's own passkey it is this program, not the browser, that vouches for the origin: hand over the one that the browser gave you.
 */
export class SoftAuthenticator {
  readonly #options: SoftAuthenticatorOptions;
  readonly #known: KnownPasskeys;

  /** Throws `INVALID_OPTION`. */
  constructor(options: SoftAuthenticatorOptions) {
    const OWNER = 'SoftAuthenticator';
    checkNames(OWNER, options, ['vault', 'consent', 'known', 'domains']);
    if (!hasMethods('generatePasskey', 'signChallenge')(options.vault))
      throw invalidOption('vault', `${OWNER}: vault must be a PasskeyVault.`);
    if (!isFunction(options.consent))
      throw invalidOption('consent', `${OWNER}: consent must be a function that asks the user.`);
    checkValue(OWNER, 'known', options.known, hasMethods('list', 'keep'), 'an object with list() and keep()');
    checkValue(OWNER, 'domains', options.domains, Array.isArray, 'a list of domains');
    this.#options = { ...options };
    this.#known = options.known ?? new MemoryKnownPasskeys();
  }

  /**
   * Answers `create` of a page: `options` is its `publicKey` as JSON. One account at one domain has one key: a new one takes its place.
   * Throws `REQUEST_INVALID…`, `RESPONSE_USER_REJECTED`, `BIOMETRIC_REQUIRED`, `PASSKEY_…`.
   */
  async create(options: unknown, origin: string): Promise<SoftCredential> {
    const { rp, user, pubKeyCredParams, excludeCredentials, authenticatorSelection } = Object(options);
    const rpId = this.#domain(Object(rp).id, origin);
    const userId = fromBase64url(Object(user).id);
    if (!userId || userId.length === 0 || userId.length > 64) throw wrong('user.id');
    const offered = Array.isArray(pubKeyCredParams) ? pubKeyCredParams.map((one) => Object(one).alg) : [];
    if (!offered.includes(EDDSA)) throw wrong('pubKeyCredParams');
    const client = clientData('webauthn.create', options, origin);
    const mine = await this.#at(rpId);
    if (mine.some((one) => idsIn(excludeCredentials).includes(one.id)))
      throw new XlockError('PASSKEY_GENERATION_FAILED:EXISTS');
    const userName = String(Object(user).name ?? '').slice(0, 200);
    const request = { kind: 'create', origin, rpId, userName } as const;
    const flags = await this.#consented(request, Object(authenticatorSelection).userVerification);
    const owner = { service: serviceOf(rpId), userId: toBase64url(userId) };
    const passkey = await this.#options.vault.generatePasskey({ ...owner, replace: true });
    await this.#known.keep(passkey);
    const id = credentialIdOf(passkey);
    const key = cbor(new Map<number, number | Uint8Array>([[1, 1], [3, EDDSA], [-1, 6], [-2, decodeDidKey(passkey.did)]])); // biome-ignore format: one key
    const rawId = fromBase64url(id)!;
    const length = Uint8Array.of(0, rawId.length);
    const data = Buffer.concat([authData(rpId, flags | FLAGS.hasKey), aaguid(), length, rawId, key]);
    const attestation = new Map<string, Cbor>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', data],
    ]);
    return credentialOf(id, client, data, {
      attestationObject: toBase64url(cbor(attestation)),
      publicKeyAlgorithm: EDDSA,
      transports: ['internal'],
    });
  }

  /** Answers `get` of a page, likewise. Throws `PASSKEY_NOT_FOUND` where there is no key for it. */
  async get(options: unknown, origin: string): Promise<SoftCredential> {
    const { rpId: wanted, allowCredentials, userVerification } = Object(options);
    const rpId = this.#domain(wanted, origin);
    const client = clientData('webauthn.get', options, origin);
    const allowed = idsIn(allowCredentials);
    const mine = await this.#at(rpId);
    const found = allowed.length === 0 ? mine.at(-1) : mine.find(({ id }) => allowed.includes(id));
    if (!found) throw new XlockError('PASSKEY_NOT_FOUND');
    const flags = await this.#consented({ kind: 'get', origin, rpId, userName: '' }, userVerification);
    const data = authData(rpId, flags);
    const { service, userId } = found.meta;
    const message = Buffer.concat([data, sha256(client)]);
    const { signature } = await this.#options.vault.signChallenge({ service, userId, message });
    return credentialOf(found.id, client, data, { signature: toBase64url(signature), userHandle: userId });
  }

  #domain(wanted: unknown, origin: string): string {
    if (!isOrigin(origin)) throw wrong('origin');
    const host = new URL(origin).hostname;
    const rpId = wanted ?? host;
    const isBelow = (domain: string) => host.endsWith(`.${domain}`);
    if (rpId === host) return host;
    if (typeof rpId === 'string' && this.#options.domains?.includes(rpId) && isBelow(rpId)) return rpId;
    throw new XlockError('REQUEST_INVALID:ORIGIN');
  }

  async #at(rpId: string): Promise<{ readonly id: string; readonly meta: PasskeyMeta }[]> {
    const all = (await this.#known.list()).filter(({ service }) => service === serviceOf(rpId));
    return all.map((meta) => ({ id: credentialIdOf(meta), meta }));
  }

  async #consented(request: SoftRequest, verification: unknown): Promise<number> {
    let consent: SoftConsent = 'denied';
    try {
      consent = await this.#options.consent(request);
    } catch (cause) {
      throw new XlockError('RESPONSE_USER_REJECTED', { cause });
    }
    const base = FLAGS.present | FLAGS.mayBeBackedUp | FLAGS.isBackedUp;
    if (consent === 'verified') return base | FLAGS.verified;
    if (consent !== 'present') throw new XlockError('RESPONSE_USER_REJECTED');
    if (verification === 'required') throw new XlockError('BIOMETRIC_REQUIRED');
    return base;
  }
}

/** Apart from the names of services of xLock, which are origins: a key of one never signs for the other. */
const serviceOf = (rpId: string): string => `webauthn:${rpId}`;

const credentialIdOf = ({ service, userId, did }: PasskeyMeta): string =>
  toBase64url(sha256(lengthPrefixed(['xlink/1 xlock credential', service, userId, did])));

const aaguid = (): Buffer => Buffer.from(SOFT_AAGUID.replaceAll('-', ''), 'hex');

/** Hash of the domain, flags, counter 0 (WebAuthn 6.1). */
const authData = (rpId: string, flags: number): Buffer =>
  Buffer.concat([sha256(rpId), Uint8Array.of(flags, 0, 0, 0, 0)]);

function clientData(type: string, options: unknown, origin: string): Buffer {
  const challenge = isMembers(options) ? options['challenge'] : undefined;
  if (!fromBase64url(challenge)?.length) throw wrong('challenge');
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

const idsIn = (list: unknown): unknown[] => (Array.isArray(list) ? list.map((one) => Object(one).id) : []);

const wrong = (field: string) => new XlockError('REQUEST_INVALID', { field });

const credentialOf = (
  id: string,
  client: Buffer,
  data: Buffer,
  more: Readonly<Record<string, string | number | readonly string[]>>,
): SoftCredential => ({
  id,
  rawId: id,
  type: 'public-key',
  authenticatorAttachment: 'platform',
  clientExtensionResults: {},
  response: { clientDataJSON: toBase64url(client), authenticatorData: toBase64url(data), ...more },
});
