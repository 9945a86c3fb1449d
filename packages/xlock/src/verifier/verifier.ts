import type { KeyRecord, Result } from '@private.me/xlink';
import { isXlockError, XlockError } from '../errors.js';
import { stepsOf } from '../progress.js';
import { sameBytes, sha256, toBase64url } from '../util/bytes.js';
import { checkNames, checkValue, invalidOption, isBoolean } from '../util/options.js';
import { PLACE_NAMES, placeMetadata } from '../xid/claim.js';
import { epochNow, noteHolder } from '../xid/holders.js';
import { askable, assertNone, changed, lastingAccount } from './accounts.js';
import { attempted } from './attempted.js';
import { decoyAccount } from './decoys.js';
import { heldFor, type IssuedChallenge, makeChallenge, pushTo } from './issue.js';
import type { XlockVerifierOptions } from './options.js';
import { type Parts, partsOfVerifier, shareParts } from './parts.js';
import { type AccountRecord, asked, type ChallengeRecord } from './records.js';
import {
  AUTH_NAMES,
  type AuthRequest,
  type RegistrationRequest,
  type VerifiedAuth,
  type VerifiedRegistration,
} from './requests.js';
import { begun, ended, sessionOf, type XlockSession } from './sessions.js';
import { assertActive, settle, stateError, type TakenAnswer, takeAnswer } from './take-answer.js';

export type { AuthRequest, RegistrationRequest, VerifiedAuth, VerifiedRegistration } from './requests.js';

/** The side of the service: makes challenges, takes the answers of devices, and keeps devices and sessions. */
export class XlockVerifier {
  readonly #parts: Parts;

  /** Throws `INVALID_OPTION`. */
  constructor(options: XlockVerifierOptions) {
    this.#parts = partsOfVerifier(options);
    shareParts(this, this.#parts);
  }

  /** The origin that devices show. */
  get origin(): string {
    return this.#parts.origin;
  }

  /** DID of the service, which devices keep at registration. */
  async did(): Promise<string> {
    return (await this.#parts.identity()).did;
  }

  /** A challenge to register: show `links` as a button or a code. Throws `PASSKEY_GENERATION_FAILED:EXISTS` for a user who has a passkey, without
   * `did` and `replace`; `PASSKEY_NOT_FOUND` for a `did` that is not registered or revoked; `INVALID_OPTION` or `CHALLENGE_GENERATION_FAILED`. */
  async createRegistrationChallenge(request: RegistrationRequest = {}): Promise<IssuedChallenge> {
    const OWNER = 'createRegistrationChallenge';
    checkNames(OWNER, request, ['userId', 'did', 'replace', 'action', 'metadata']);
    const { did = '', userId, replace = false, metadata } = request;
    checkValue(OWNER, 'replace', replace, isBoolean, 'true or false');
    if (replace && did !== '') throw invalidOption('replace', `${OWNER}: pass one of did and replace.`);
    const account = did === '' ? undefined : await lastingAccount(this.#parts, did);
    if (did === '' && !replace && typeof userId === 'string') await assertNone(this.#parts, userId);
    return makeChallenge(this.#parts, {
      kind: 'register',
      did,
      userId: userId ?? account?.userId ?? '',
      action: request.action ?? `Register at ${this.#host}`,
      metadata,
      deviceId: '',
      timeout: undefined,
      binding: undefined,
      replaces: replace,
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
   * A challenge to log in, pushed to the registered devices. Show `match` on the login page, and nowhere else. After too many of them, or a denial, it is
   * made and not pushed, and `held` says why: the user can open its link. Throws `PASSKEY_NOT_FOUND`, `CHALLENGE_GENERATION_FAILED` or
   * `INVALID_OPTION`. For pages of strangers take `createLoginChallenge`: this method tells who has an account.
   */
  async createAuthChallenge(request: AuthRequest): Promise<IssuedChallenge> {
    checkNames('createAuthChallenge', request, [...AUTH_NAMES, 'onProgress']);
    const parts = this.#parts;
    const step = stepsOf('requestXlockAuth', request.onProgress);
    step(0);
    const { did, userId, deviceId = '' } = request;
    const account = await askable(parts, { did, userId });
    const held = await heldFor(parts, account);
    const issued = await this.#challenge(request, account, deviceId);
    step(1);
    const pushed = held === '' ? await pushTo(parts, account, issued) : { ...issued, held };
    await parts.tell({
      type: 'xlock-challenge',
      to: account.did,
      data: { challenge: issued.id, pushed: pushed.pushed.length },
    });
    step(2);
    return pushed;
  }

  /**
   * The same for who is not known yet, as on a login page: it does not tell who has an account. Who has none gets a challenge that nobody can answer, of
   * the same form, with a DID that is the same every time; both are counted, and neither waits for the push. Throws
   * `CHALLENGE_GENERATION_FAILED` or `INVALID_OPTION`.
   */
  async createLoginChallenge(
    request: Omit<AuthRequest, 'onProgress'>,
  ): Promise<Omit<IssuedChallenge, 'pushed' | 'held'>> {
    checkNames('createLoginChallenge', request, AUTH_NAMES);
    const parts = this.#parts;
    const { did, userId, deviceId = '' } = request;
    const decoy = await decoyAccount(parts, { did, userId }); // made for users, too: the time tells nothing
    const account = await askable(parts, { did, userId }).catch((error: unknown) => {
      if (!isXlockError(error, 'PASSKEY_NOT_FOUND')) throw error;
      return decoy;
    });
    const held = await heldFor(parts, account);
    const { pushed: _, held: __, ...issued } = await this.#challenge(request, account, deviceId);
    const reason = account === decoy ? 'no-account' : held || 'ok';
    await parts.tell({ type: 'xlock-challenge', to: account.did, reason, data: { challenge: issued.id } });
    if (held === '') void pushTo(parts, account, { ...issued, pushed: [], held });
    return issued;
  }

  /** A challenge that nobody can answer, as `createLoginChallenge` makes it for who has no account. It is not counted. */
  async createDecoyChallenge(request: Omit<AuthRequest, 'onProgress'> = {}): Promise<IssuedChallenge> {
    checkNames('createDecoyChallenge', request, AUTH_NAMES);
    return this.#challenge(request, await decoyAccount(this.#parts, request), '');
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
      const { ephemeral } = record;
      if (ephemeral) {
        await noteHolder(this.#parts, ephemeral, { did: account.did, deviceId: record.deviceId! });
        const { did, resource } = ephemeral;
        return { approved: true, did, userId: '', deviceId: did, challengeId: id, resource };
      }
      const { did, userId } = record.challenge;
      return { approved: true, did, userId, deviceId: record.deviceId!, challengeId: id };
    });
  }

  /** Takes what a device answers, to either kind of challenge. Throws `CHALLENGE_…` or `RESPONSE_…`. */
  async respond(answer: unknown): Promise<TakenAnswer> {
    return takeAnswer(this.#parts, answer);
  }

  /** Begins a session for who was verified. Its token is shown once; the store has its hash. */
  async beginSession(
    who: Pick<VerifiedAuth, 'did' | 'userId' | 'deviceId'>,
  ): Promise<{ readonly token: string; readonly session: XlockSession }> {
    const made = await begun(this.#parts, who);
    await this.#parts.tell({ type: 'xlock-session', from: who.did, data: { device: who.deviceId } });
    return made;
  }

  /** The session of a token; fails with `SESSION_INVALID`, from the moment on that its device or passkey is revoked, and at another `resource` (an origin, default that of the verifier). */
  async verifySession(
    token: unknown,
    options: { readonly resource?: string } = {},
  ): Promise<Result<XlockSession, XlockError>> {
    checkNames('verifySession', options, ['resource']);
    return attempted(() => sessionOf(this.#parts, token, options.resource));
  }

  /** Whose an ephemeral DID is, for those who have to revoke it; `undefined` once it is over. Not for resources. */
  async holderOf(did: string): Promise<{ readonly did: string; readonly deviceId: string } | undefined> {
    const found = await asked(() => this.#parts.records.holders.get(did));
    return found && found.until > this.#parts.now()
      ? { did: found.did, deviceId: found.deviceId }
      : undefined;
  }

  /** Ends a session. */
  async endSession(token: string): Promise<void> {
    await ended(this.#parts, token);
  }

  /** Ends all sessions of a passkey that were begun until now. Throws `PASSKEY_NOT_FOUND`. */
  async endSessions(did: string): Promise<void> {
    await changed(this.#parts, did, (account) => ({
      ...account,
      sessionEpoch: (account.sessionEpoch ?? 0) + 1,
    }));
    await this.#parts.tell({ type: 'xlock-sessions-ended', to: did });
  }

  /** The devices of a passkey. Throws `PASSKEY_NOT_FOUND`. */
  async account(did: string): Promise<AccountRecord> {
    const found = await asked(() => this.#parts.records.accounts.get(did));
    if (!found) throw new XlockError('PASSKEY_NOT_FOUND');
    return found;
  }

  /** All accounts by DID, also revoked ones: those of a `userId`, or those behind `after`. Reads all of them. */
  async accounts(
    where: { readonly userId?: string; readonly after?: string } = {},
  ): Promise<readonly AccountRecord[]> {
    checkNames('accounts', where, ['userId', 'after']);
    const { userId, after = '' } = where;
    const all = [...(await asked(() => this.#parts.records.accounts.all())).values()];
    return all
      .filter(({ did, userId: of }) => did > after && (userId === undefined || of === userId))
      .sort((a, b) => (a.did < b.did ? -1 : 1));
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

  /** A device that was lost, for all passkeys that it is registered for; their DIDs. For good. Throws `PASSKEY_NOT_FOUND` where there is none. */
  async revokeKey(deviceId: string): Promise<readonly string[]> {
    const having = (await this.accounts()).filter(({ devices }) => devices.some(({ id }) => id === deviceId));
    if (having.length === 0) throw new XlockError('PASSKEY_NOT_FOUND');
    for (const { did } of having) await this.revokeDevice(did, deviceId);
    return having.map(({ did }) => did);
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
      metadata: this.#metadata(request),
      deviceId,
      timeout: request.timeout,
      binding: request.binding,
      replaces: false,
    });
  }

  #metadata({ metadata, ephemeral, resource }: AuthRequest): AuthRequest['metadata'] {
    if (Object.values(PLACE_NAMES).some((name) => Object.hasOwn(Object(metadata), name)))
      throw invalidOption('metadata', 'metadata: use `ephemeral` and `resource` instead of these names.');
    checkValue('createAuthChallenge', 'ephemeral', ephemeral, isBoolean, 'true or false');
    if (!ephemeral && resource !== undefined)
      throw invalidOption('resource', 'createAuthChallenge: resource needs ephemeral: true.');
    if (!ephemeral) return metadata;
    return { ...metadata, ...placeMetadata(resource ?? this.origin, epochNow(this.#parts)) };
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
