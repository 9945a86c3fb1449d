import { err, type KeyRecord, ok, type Result } from '@private.me/xlink';
import type { XlockAnswer } from '../challenge/answer.js';
import { isXlockError, toXlockError, XlockError } from '../errors.js';
import { type ProgressCallback, stepsOf } from '../progress.js';
import { sameBytes, sha256, toBase64url } from '../util/bytes.js';
import { checkNames } from '../util/options.js';
import { accountOf, changed, enrolled } from './accounts.js';
import { assertCalm, type IssuedChallenge, makeChallenge, pushTo } from './issue.js';
import type { XlockVerifierOptions } from './options.js';
import { type Parts, partsOfVerifier } from './parts.js';
import { type AccountRecord, asked, type ChallengeRecord } from './records.js';
import { begun, ended, sessionOf, type XlockSession } from './sessions.js';
import { assertActive, settle, stateError, type TakenAnswer, takeAnswer } from './take-answer.js';

/** Options of {@link XlockVerifier.createAuthChallenge}; one of `did` and `userId` must be given. */
export interface AuthRequest {
  /** The passkey. */
  readonly did?: string;
  /** The account, as it was registered: its newest passkey that is not revoked. */
  readonly userId?: string;
  /** What is asked for, for the user to read: 1 to 200 characters. Default `Sign in to ` and the host of the service. */
  readonly action?: string;
  /** Where from, and whatever else the user should know, such as `{ ip, location }`. Up to 16 texts. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The only device that may answer. Default: any of the registered ones. */
  readonly deviceId?: string;
  /** How long the user has, in ms, in the place of `responseTimeoutMs`. */
  readonly timeout?: number;
  /** A secret of the browser that asks: `verifyAuth` wants it back. Default none: whoever knows the id may redeem it. */
  readonly binding?: string;
  /** Told each step as it begins. Default: not called. */
  readonly onProgress?: ProgressCallback;
}

/** Options of {@link XlockVerifier.createRegistrationChallenge}. */
export interface RegistrationRequest {
  /** The account that the passkey will be of. Default the empty text: the DID alone says who it is. */
  readonly userId?: string;
  /** Adds a device to this passkey instead of making a new one. Ask only for a user who is logged in, or whom you know otherwise. */
  readonly did?: string;
  /** For the user to read. Default `Register at ` and the host of the service. */
  readonly action?: string;
  /** See {@link AuthRequest}. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What {@link XlockVerifier.verifyAuth} found. */
export interface VerifiedAuth {
  /** Always `true`: a denial is an error. */
  readonly approved: true;
  readonly did: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly challengeId: string;
}

/** What {@link XlockVerifier.verifyRegistration} found. */
export interface VerifiedRegistration {
  /** `did:key` of the passkey: who the user is from now on. */
  readonly did: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceName: string;
}

/** The side of the service: makes challenges, takes the answers of devices, and keeps devices and sessions. */
export class XlockVerifier {
  readonly #parts: Parts;

  /** Throws `INVALID_OPTION`. */
  constructor(options: XlockVerifierOptions) {
    this.#parts = partsOfVerifier(options);
  }

  /** The origin that devices show. */
  get origin(): string {
    return this.#parts.origin;
  }

  /** DID of the service, which devices keep at registration. */
  async did(): Promise<string> {
    return (await this.#parts.identity()).did;
  }

  /** A challenge to register: show `links` as a button or a code. Throws `INVALID_OPTION` or `CHALLENGE_GENERATION_FAILED`. */
  async createRegistrationChallenge(request: RegistrationRequest = {}): Promise<IssuedChallenge> {
    checkNames('createRegistrationChallenge', request, ['userId', 'did', 'action', 'metadata']);
    const { did = '', userId, metadata } = request;
    const account = did === '' ? undefined : await accountOf(this.#parts, { did });
    return makeChallenge(this.#parts, {
      kind: 'register',
      did,
      userId: userId ?? account?.userId ?? '',
      action: request.action ?? `Register at ${this.#host}`,
      metadata,
      deviceId: '',
      timeout: undefined,
      binding: undefined,
    });
  }

  /** Takes the answer to a registration challenge. Fails with `CHALLENGE_…` or `RESPONSE_…`. */
  async verifyRegistration(answer: unknown): Promise<Result<VerifiedRegistration, XlockError>> {
    return attempted(async () => {
      if (Object(answer).decision !== 'registered')
        throw new XlockError('RESPONSE_SIGNATURE_INVALID:FORM', { field: 'decision' });
      await this.respond(answer);
      const { did, deviceId, deviceName, challengeId } = answer as VerifiedRegistration & {
        challengeId: string;
      };
      const record = await this.#recordOf(challengeId);
      return { did, userId: record.challenge.userId, deviceId, deviceName };
    });
  }

  /**
   * A challenge to log in, pushed to the registered devices. Show `match` on the login page, and nowhere else. Throws `PASSKEY_NOT_FOUND`,
   * `CHALLENGE_GENERATION_FAILED…` or `INVALID_OPTION`.
   */
  async createAuthChallenge(request: AuthRequest): Promise<IssuedChallenge> {
    checkNames('createAuthChallenge', request, [
      'did',
      'userId',
      'action',
      'metadata',
      'deviceId',
      'timeout',
      'binding',
      'onProgress',
    ]);
    const parts = this.#parts;
    const step = stepsOf('requestXlockAuth', request.onProgress);
    step(0);
    const { did, userId, deviceId = '' } = request;
    const account = await accountOf(parts, { did, userId });
    await assertCalm(parts, account);
    const issued = await this.#challenge(request, account, deviceId);
    step(1);
    const pushed = await pushTo(parts, account, issued);
    await parts.tell({
      type: 'xlock-challenge',
      to: account.did,
      data: { challenge: issued.id, pushed: pushed.pushed.length },
    });
    void parts.records.sweep(parts.now()).catch(() => {});
    step(2);
    return pushed;
  }

  /** A challenge that nobody can answer: what a login page shows for users who do not exist, so that it does not tell who does. */
  async createDecoyChallenge(request: AuthRequest = {}): Promise<IssuedChallenge> {
    return this.#challenge(request, { did: '', userId: '' }, '');
  }

  /**
   * Waits for the answer to a challenge, and redeems it: the first call that sees an approval gets it, all others
   * `CHALLENGE_ALREADY_USED`. Fails with `RESPONSE_TIMEOUT`, `RESPONSE_USER_REJECTED…`, `CHALLENGE_EXPIRED` or `CHALLENGE_INVALID:UNKNOWN`.
   * `waitMs`: how long to wait at most, default until the user's time is up; if it ends before, the failure is `RESPONSE_TIMEOUT` with
   * `details.pending`, and the challenge stays open.
   */
  async verifyAuth(
    id: string,
    options: { readonly waitMs?: number; readonly binding?: string; readonly signal?: AbortSignal } = {},
  ): Promise<Result<VerifiedAuth, XlockError>> {
    checkNames('verifyAuth', options, ['waitMs', 'binding', 'signal']);
    return attempted(async () => {
      const record = await this.#awaited(id, options);
      if (record.state !== 'approved') throw outcomeError(record);
      if (this.#parts.now() >= record.challenge.expiresAt) throw new XlockError('CHALLENGE_EXPIRED');
      const account = await asked(() => this.#parts.records.accounts.get(record.challenge.did));
      assertActive(account, record.deviceId!); // it may have been revoked since it answered
      await asked(() =>
        this.#parts.records.challenges.update(id, (before) => {
          if (before?.state !== 'approved') throw stateError(before?.state);
          return { ...before, state: 'used' };
        }),
      );
      const { did, userId } = record.challenge;
      return { approved: true, did, userId, deviceId: record.deviceId!, challengeId: id };
    });
  }

  /** Takes what a device answers, to either kind of challenge. Throws `CHALLENGE_…` or `RESPONSE_…`. */
  async respond(answer: unknown): Promise<TakenAnswer> {
    const parts = this.#parts;
    const taken = await takeAnswer(parts, answer);
    const registration = answer as XlockAnswer;
    if (registration.decision === 'registered') {
      const { challenge } = await this.#recordOf(registration.challengeId);
      await enrolled(parts, registration, challenge.userId);
    }
    return taken;
  }

  /** Begins a session for who was verified. Its token is shown once; the store has its hash. */
  async beginSession(
    who: Pick<VerifiedAuth, 'did' | 'userId' | 'deviceId'>,
  ): Promise<{ readonly token: string; readonly session: XlockSession }> {
    const made = await begun(this.#parts, who);
    await this.#parts.tell({ type: 'xlock-session', from: who.did, data: { device: who.deviceId } });
    return made;
  }

  /** The session of a token; fails with `SESSION_INVALID`, from the moment on that its device or passkey is revoked. */
  async verifySession(token: unknown): Promise<Result<XlockSession, XlockError>> {
    return attempted(() => sessionOf(this.#parts, token));
  }

  /** Ends a session. */
  async endSession(token: string): Promise<void> {
    await ended(this.#parts, token);
  }

  /** Ends all sessions of a passkey that were begun until now. Throws `PASSKEY_NOT_FOUND`. */
  async endSessions(did: string): Promise<void> {
    const sessionsFrom = this.#parts.now() + 1;
    await changed(this.#parts, did, (account) => ({ ...account, sessionsFrom }));
    await this.#parts.tell({ type: 'xlock-sessions-ended', to: did });
  }

  /** The devices of a passkey. Throws `PASSKEY_NOT_FOUND`. */
  async account(did: string): Promise<AccountRecord> {
    const found = await asked(() => this.#parts.records.accounts.get(did));
    if (!found) throw new XlockError('PASSKEY_NOT_FOUND');
    return found;
  }

  /** How a device is reached over a relay; `undefined` for one that is not registered, did not say so, or is revoked. */
  async deviceKeys(deviceId: string): Promise<KeyRecord | undefined> {
    const { devices, accounts } = this.#parts.records;
    const did = (await asked(() => devices.get(deviceId)))?.did;
    const account = did === undefined ? undefined : await asked(() => accounts.get(did));
    const device = account?.devices.find(({ id }) => id === deviceId);
    return device?.revokedAt === undefined ? device?.keys : undefined;
  }

  /** A device that was lost: it answers nothing any more, and its sessions are over. For good. Throws `PASSKEY_NOT_FOUND`. */
  async revokeDevice(did: string, deviceId: string): Promise<void> {
    const revokedAt = this.#parts.now();
    await changed(this.#parts, did, (account) => {
      if (!account.devices.some(({ id }) => id === deviceId)) throw new XlockError('PASSKEY_NOT_FOUND');
      const devices = account.devices.map((device) =>
        device.id === deviceId && device.revokedAt === undefined ? { ...device, revokedAt } : device,
      );
      return { ...account, devices };
    });
    await this.#parts.tell({ type: 'xlock-device-revoked', to: did, data: { device: deviceId } });
  }

  /** The passkey itself is lost: no device answers with it any more. For good. Throws `PASSKEY_NOT_FOUND`. */
  async revokePasskey(did: string): Promise<void> {
    const revokedAt = this.#parts.now();
    await changed(this.#parts, did, (account) =>
      account.revokedAt === undefined ? { ...account, revokedAt } : account,
    );
    await this.#parts.tell({ type: 'xlock-passkey-revoked', to: did });
  }

  get #host(): string {
    return new URL(this.#parts.origin).host;
  }

  #challenge(
    request: AuthRequest,
    { did, userId }: { readonly did: string; readonly userId: string },
    deviceId: string,
  ): Promise<IssuedChallenge> {
    return makeChallenge(this.#parts, {
      kind: 'auth',
      did,
      userId,
      action: request.action ?? `Sign in to ${this.#host}`,
      metadata: request.metadata,
      deviceId,
      timeout: request.timeout,
      binding: request.binding,
    });
  }

  async #recordOf(id: string): Promise<ChallengeRecord> {
    const record =
      typeof id === 'string' ? await asked(() => this.#parts.records.challenges.get(id)) : undefined;
    if (!record) throw new XlockError('CHALLENGE_INVALID:UNKNOWN');
    return record;
  }

  async #awaited(
    id: string,
    { waitMs, binding, signal }: { waitMs?: number; binding?: string; signal?: AbortSignal },
  ): Promise<ChallengeRecord> {
    const { waiting, now, options } = this.#parts;
    const wait = waiting.begin(String(id));
    const giveUpAt = waitMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + waitMs;
    try {
      for (;;) {
        const record = await this.#recordOf(id);
        if (record.challenge.kind !== 'auth') throw new XlockError('CHALLENGE_INVALID:UNKNOWN');
        if (record.binding !== '' && !sameBytes(record.binding, toBase64url(sha256(binding ?? ''))))
          throw new XlockError('CHALLENGE_INVALID:UNKNOWN');
        if (record.state !== 'pending') return record;
        const leftMs = record.challenge.respondBy - now();
        if (leftMs <= 0) {
          await settle(this.#parts, record, { ...record, state: 'expired' }).catch((error) => {
            if (!isXlockError(error) || error.category === 'Use') throw error; // somebody was faster: look again
          });
          continue;
        }
        const patienceMs = giveUpAt - performance.now();
        if (patienceMs <= 0 || signal?.aborted)
          throw new XlockError('RESPONSE_TIMEOUT', { details: { pending: true } });
        await wait.until(Math.max(1, Math.min(leftMs, patienceMs, options.pollMs ?? 250)), signal);
      }
    } finally {
      wait.end();
    }
  }
}

function outcomeError({ state, reason }: ChallengeRecord): XlockError {
  if (state !== 'denied') return stateError(state);
  if (reason === 'number') return new XlockError('RESPONSE_USER_REJECTED:NUMBER');
  return new XlockError(reason === 'origin' ? 'RESPONSE_USER_REJECTED:ORIGIN' : 'RESPONSE_USER_REJECTED');
}

async function attempted<T>(work: () => Promise<T>): Promise<Result<T, XlockError>> {
  try {
    return ok(await work());
  } catch (error) {
    return err(toXlockError(error));
  }
}
