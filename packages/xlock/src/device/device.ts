import type { Identity, KeyRecord } from '@private.me/xlink';
import { answerText, type UnsignedAnswer, type XlockAnswer } from '../challenge/answer.js';
import { isReadable, type XlockChallenge } from '../challenge/challenge.js';
import { readChallenge } from '../challenge/links.js';
import { isXlockError, XlockError } from '../errors.js';
import type { PasskeyMeta } from '../passkey/meta.js';
import type { Passkey, PasskeyVault } from '../passkey/vault.js';
import { type ProgressCallback, stepsOf } from '../progress.js';
import type { XStoreBackend } from '../stores/backend.js';
import { toBase64url } from '../util/bytes.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption, isFunction } from '../util/options.js';
import { claimed, type EphemeralSource } from '../xid/claim.js';
import { assertOurs } from './assert-ours.js';
import { over, wrongClock } from './clock.js';
import { type KnownPasskeys, MemoryKnownPasskeys } from './known.js';
import { isSeen } from './seen-origin.js';

/** Options of {@link XlockDevice}. */
export interface XlockDeviceOptions {
  /** The key of this very device, which is not split: services know the device by its DID, and can revoke it. */
  readonly identity: Identity;
  /** Where passkeys are put together. */
  readonly vault: PasskeyVault;
  /** For people, in lists of devices: 1 to 200 characters. Default `device`. */
  readonly name?: string;
  /**
   * Which passkeys there are: {@link FileKnownPasskeys} keeps them over a restart. Default: in memory; what it does not know is looked up in the shares, which
   * asks the stores, and `passkeys()` does not list it before.
   */
  readonly known?: KnownPasskeys;
  /**
   * Called before a passkey is put together, to have the user unlock the device (PIN, fingerprint, face); `false` or a rejection:
   * `BIOMETRIC_REQUIRED`. Default: not called.
   */
  readonly unlock?: (challenge: XlockChallenge) => Promise<boolean> | boolean;
  /** How the device is reached over a relay, for registrations. Default: not told. */
  readonly keys?: () => Promise<KeyRecord>;
  /** Derives DIDs for one resource and epoch, for `ephemeral` logins: `ephemeralFor` of `@private.me/xlock/xid`. Default: such logins are refused. */
  readonly ephemeral?: EphemeralSource;
  /** How far the clocks of service and device may be apart, in ms. Default 30 000. */
  readonly clockToleranceMs?: number;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

/** What the user said on the device. */
export interface Approval {
  /** The two digits of the login page. Needed where the challenge says `matching`. */
  readonly digits?: string;
  /**
   * The origin or host in the address bar of the browser, as the user reads it. If it is not that of the service, the device denies and throws
   * `CHALLENGE_INVALID:ORIGIN`, whatever the digits are. Default: not compared.
   */
  readonly seenOrigin?: string;
  /** Told each step as it begins. Default: not called. */
  readonly onProgress?: ProgressCallback;
  /** Told, in a registration that makes a passkey, which stores took their shares and which did not. Default: not called. */
  readonly onStored?: (passkey: Passkey) => void;
  /** In a registration: replaces a passkey of the same account, which is of no use any more. Default `false`: `PASSKEY_GENERATION_FAILED:EXISTS`. */
  readonly replace?: boolean;
  /** Hands the answer over; see {@link postAnswer}. Default: nothing, the answer is returned. */
  readonly send?: (answer: XlockAnswer, challenge: XlockChallenge) => Promise<unknown>;
}

/** The side of the user: shows challenges, and approves, denies or registers. */
export class XlockDevice {
  readonly #options: XlockDeviceOptions;
  readonly #known: KnownPasskeys;
  readonly #now: () => number;
  /** Passkeys that were made for a registration which the service may not have heard of, by challenge: its id, and their DID. */
  readonly #made = new Map<string, string>();

  /** Throws `INVALID_OPTION`. */
  constructor(options: XlockDeviceOptions) {
    const OWNER = 'XlockDevice';
    checkNames(OWNER, options, [
      'identity',
      'vault',
      'name',
      'known',
      'unlock',
      'keys',
      'ephemeral',
      'clockToleranceMs',
      'clock',
    ]);
    if (typeof Object(options.identity).did !== 'string')
      throw invalidOption('identity', `${OWNER}: identity must be an Identity of @private.me/xlink.`);
    if (!hasMethods('generatePasskey', 'signChallenge', 'describe', 'remove')(options.vault))
      throw invalidOption('vault', `${OWNER}: vault must be a PasskeyVault.`);
    checkValue(
      OWNER,
      'name',
      options.name,
      isReadable,
      '1 to 200 characters that a screen shows as they are',
    );
    checkValue(OWNER, 'known', options.known, hasMethods('list', 'keep'), 'an object with list() and keep()');
    checkValue(
      OWNER,
      'ephemeral',
      options.ephemeral,
      hasMethods('identityFor'),
      'an object with identityFor()',
    );
    for (const name of ['unlock', 'keys', 'clock'] as const)
      checkValue(OWNER, name, options[name] as unknown, isFunction, 'a function');
    checkValue(
      OWNER,
      'clockToleranceMs',
      options.clockToleranceMs,
      integerIn(0, 3_600_000),
      'a whole number of ms, up to 3600000',
    );
    this.#options = { ...options };
    this.#known = options.known ?? new MemoryKnownPasskeys();
    this.#now = options.clock ?? Date.now;
  }

  /** Its DID: what services know it by. */
  get id(): string {
    return this.#options.identity.did;
  }

  /** Its passkeys; none of them says a key. */
  passkeys(): Promise<readonly PasskeyMeta[]> {
    return this.#known.list();
  }

  /**
   * The challenge in a link or push, checked: it is signed by the service that the passkey was registered with, of its origin, for this device,
   * and in time. What it shows is what will be signed. Throws `CHALLENGE_INVALID…` (`:CLOCK` where the clock of the device is behind), `CHALLENGE_EXPIRED`, `PASSKEY_NOT_FOUND` or
   * `RESPONSE_DEVICE_MISMATCH`.
   */
  async view(text: string): Promise<XlockChallenge> {
    const challenge = readChallenge(text);
    const { clockToleranceMs = 30_000 } = this.#options;
    const now = this.#now();
    if (challenge.issuedAt > now + clockToleranceMs) throw wrongClock(challenge.issuedAt - now);
    if (challenge.respondBy <= now) throw over(now - challenge.respondBy);
    if (challenge.deviceId !== '' && challenge.deviceId !== this.id)
      throw new XlockError('RESPONSE_DEVICE_MISMATCH');
    await assertOurs(challenge, this.#known, this.#options.vault);
    return challenge;
  }

  /**
   * Makes a passkey for the service, or, where the challenge names one that this device can put together, adds the device to it. One that the service
   * refuses through `send` is removed again; where none answers it stays, and the same link may be used again. Throws as `view`
   * and `generatePasskey` of the vault do.
   */
  async register(text: string, approval: Omit<Approval, 'digits'> = {}): Promise<XlockAnswer> {
    const challenge = await this.#shown(text, 'register', approval);
    const { origin: service, userId, verifier, did } = challenge;
    const { vault, name = 'device', keys } = this.#options;
    const { onProgress, onStored, replace = false } = approval;
    await this.#unlocked(challenge);
    const asked = { service, userId, verifier, replace, ...(onProgress ? { onProgress } : {}) };
    const again = this.#made.get(challenge.id); // the answer was lost: the passkey is there
    const passkey = did === '' && again === undefined ? await vault.generatePasskey(asked) : undefined;
    if (passkey) {
      this.#made.set(challenge.id, passkey.did);
      onStored?.(passkey);
    }
    const made = { did: passkey?.did ?? again ?? did };
    const answer = await this.#signed(challenge, {
      ...this.#base(challenge, 'registered', made.did),
      deviceName: name,
    });
    const whole = keys ? { ...answer, keys: await keys() } : answer;
    try {
      await approval.send?.(whole, challenge);
    } catch (error) {
      // A passkey that its service does not take would be in the way of the one that it takes, and so would whom it names as its service.
      if (did === '' && isRefusal(error)) await this.#unmade(challenge);
      throw error;
    }
    await this.#known.keep({ service, userId, did: made.did, verifier });
    if (approval.send) this.#made.delete(challenge.id);
    return whole;
  }

  async #unmade({ id, origin: service, userId }: XlockChallenge): Promise<void> {
    this.#made.delete(id);
    await this.#options.vault.remove({ service, userId });
  }

  /**
   * Approves a login: puts the passkey together, signs, and forgets it. Throws `RESPONSE_USER_REJECTED:NUMBER` without digits where they
   * are needed, `CHALLENGE_INVALID:ORIGIN` for a page of another address (a denial is sent then), and as `view` and `signChallenge` do.
   */
  async approve(text: string, approval: Approval = {}): Promise<XlockAnswer> {
    const challenge = await this.#shown(text, 'auth', approval);
    const { digits = '' } = approval;
    if (challenge.matching && !/^\d\d$/.test(digits))
      throw new XlockError('RESPONSE_USER_REJECTED:NUMBER', {
        resolution: 'Type the two digits that the login page shows.',
      });
    const step = stepsOf('respondXlockChallenge', approval.onProgress);
    await this.#unlocked(challenge);
    const { ephemeral: source, identity } = this.#options;
    const said = { did: challenge.did, deviceId: this.id };
    const ephemeral = await claimed(source, challenge, said, identity);
    const match = challenge.matching ? digits : '';
    const unsigned = { ...this.#base(challenge, 'approved', challenge.did), match };
    const signed = await this.#signed(challenge, unsigned, (at) => {
      if (at > 0) step(at - 1); // fetching belongs to reconstructing here
    });
    const answer = { ...signed, ...(ephemeral ? { ephemeral } : {}) };
    step(3);
    await approval.send?.(answer, challenge);
    return answer;
  }

  /** Denies a login. No key is put together for that: the device signs alone. */
  async deny(text: string, approval: Pick<Approval, 'send'> = {}): Promise<XlockAnswer> {
    const challenge = await this.view(text);
    return this.#denied(challenge, '', approval.send);
  }

  /** Recovers a passkey on this device, from K shares; see `recover` of the vault. Then register the device: see the README. */
  async recover(request: {
    readonly service: string;
    readonly userId?: string;
    readonly from?: readonly XStoreBackend[];
    readonly did?: string;
  }): Promise<Passkey> {
    const passkey = await this.#options.vault.recover(request);
    await this.#known.keep(passkey);
    return passkey;
  }

  async #shown(
    text: string,
    kind: XlockChallenge['kind'],
    { seenOrigin, send }: Approval,
  ): Promise<XlockChallenge> {
    const challenge = await this.view(text);
    if (challenge.kind !== kind) throw new XlockError('CHALLENGE_INVALID');
    if (seenOrigin === undefined || isSeen(seenOrigin, challenge.origin)) return challenge;
    if (kind === 'auth') await this.#denied(challenge, 'origin', send);
    throw new XlockError('CHALLENGE_INVALID:ORIGIN');
  }

  async #denied(
    challenge: XlockChallenge,
    reason: XlockAnswer['reason'],
    send: Approval['send'],
  ): Promise<XlockAnswer> {
    const unsigned = { ...this.#base(challenge, 'denied', challenge.did), reason };
    const answer = { ...unsigned, signature: '', deviceSignature: await this.#byDevice(challenge, unsigned) };
    await send?.(answer, challenge);
    return answer;
  }

  async #unlocked(challenge: XlockChallenge): Promise<void> {
    const { unlock } = this.#options;
    if (!unlock) return;
    try {
      if (await unlock(challenge)) return;
    } catch (cause) {
      throw isXlockError(cause) ? cause : new XlockError('BIOMETRIC_REQUIRED', { cause });
    }
    throw new XlockError('BIOMETRIC_REQUIRED');
  }

  #base(challenge: XlockChallenge, decision: XlockAnswer['decision'], did: string): UnsignedAnswer {
    return {
      challengeId: challenge.id,
      decision,
      did,
      deviceId: this.id,
      deviceName: '',
      match: '',
      reason: '',
      answeredAt: this.#now(),
    };
  }

  async #signed(
    challenge: XlockChallenge,
    unsigned: UnsignedAnswer,
    step: (at: number) => void = () => {},
  ): Promise<XlockAnswer> {
    const { origin: service, userId } = challenge;
    const message = answerText('passkey', challenge, unsigned);
    let at = 0;
    const onProgress: ProgressCallback = () => step(at++);
    const { signature, meta } = await this.#options.vault.signChallenge({
      service,
      userId,
      message,
      onProgress,
      ...(unsigned.did === '' ? {} : { did: unsigned.did }),
    });
    if (meta.did !== unsigned.did) throw new XlockError('PASSKEY_RECONSTRUCTION_FAILED');
    const deviceSignature = await this.#byDevice(challenge, unsigned);
    return { ...unsigned, signature: toBase64url(signature), deviceSignature };
  }

  async #byDevice(challenge: XlockChallenge, unsigned: UnsignedAnswer): Promise<string> {
    const { ed25519 } = this.#options.identity;
    return toBase64url(await ed25519.sign(answerText('device', challenge, unsigned)));
  }
}

/** Whether a service says that it did not take an answer. It did where that was answered before, and may have where it failed. */
const isRefusal = (error: unknown): boolean =>
  isXlockError(error) &&
  error.status < 500 &&
  error.status !== 429 &&
  error.code !== 'CHALLENGE_ALREADY_USED';
