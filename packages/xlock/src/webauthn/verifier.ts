import { randomBytes } from 'node:crypto';
import type { Result } from '@private.me/xlink';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { isReadable } from '../challenge/challenge.js';
import { XlockError } from '../errors.js';
import { fromBase64url, isMembers, parseJson, sameBytes, sha256, toBase64url } from '../util/bytes.js';
import { checkNames, invalidOption } from '../util/options.js';
import { attempted } from '../verifier/attempted.js';
import { asked } from '../verifier/records.js';
import { assertActive } from '../verifier/take-answer.js';
import type { VerifiedAuth, VerifiedRegistration } from '../verifier/verifier.js';
import { type WebauthnSettings, type WebauthnVerifierOptions, webauthnSettings } from './options.js';
import { simplewebauthn } from './peer.js';
import {
  accountNameOf,
  userHandleOf,
  type WebauthnChallenge,
  type WebauthnCredential,
  WebauthnRecords,
} from './records.js';

/** What is asked for in {@link WebauthnVerifier.registrationOptions}. */
export interface WebauthnRegistrationRequest {
  /** The account, 1 to 256 characters. Ask only for a user who is logged in, or whom you know otherwise. */
  readonly userId: string;
  /** For people, in the list of passkeys of the browser: 1 to 200 characters. Default: `userId`. */
  readonly userName?: string;
  /** A secret of the browser that asks: `verifyRegistration` wants it back. Default none. */
  readonly binding?: string;
}

/**
 * Passkeys that browsers and platforms keep themselves (WebAuthn level 3), beside those of xLock: the same accounts, sessions and
 * revocation. Needs the peer `@simplewebauthn/server` 14. Unlike a push they cannot be phished: the browser signs the origin of the page.
 */
export class WebauthnVerifier {
  readonly #settings: WebauthnSettings;
  readonly #records: WebauthnRecords;

  /** Throws `INVALID_OPTION`. */
  constructor(options: WebauthnVerifierOptions) {
    this.#settings = webauthnSettings(options);
    this.#records = new WebauthnRecords(this.#settings.parts.records.store);
  }

  /** For `navigator.credentials.create`: a discoverable passkey. Throws `INVALID_OPTION`, `PLATFORM_CRYPTO_UNAVAILABLE`. */
  async registrationOptions(
    request: WebauthnRegistrationRequest,
  ): Promise<PublicKeyCredentialCreationOptionsJSON> {
    checkNames('registrationOptions', request, ['userId', 'userName', 'binding']);
    const { userId, userName = userId, binding } = request;
    if (typeof userId !== 'string' || userId === '' || userId.length > 256)
      throw invalidOption('userId', 'userId must be a text of 1 to 256 characters.');
    if (!isReadable(userName))
      throw invalidOption(
        'userName',
        'userName must be 1 to 200 characters that a screen shows as they are.',
      );
    const { generateRegistrationOptions } = await simplewebauthn();
    const { rpId, rpName, userVerification, algorithms, parts } = this.#settings;
    const known = await this.credentials(userId);
    return generateRegistrationOptions({
      rpID: rpId,
      rpName,
      userName,
      userDisplayName: userName,
      userID: userHandleOf(parts.origin, userId),
      challenge: await this.#challenge('create', userId, userName, binding),
      timeout: this.#ttlMs,
      attestationType: 'none',
      excludeCredentials: known.map(({ id, transports }) => ({ id, transports: [...transports] as never })),
      authenticatorSelection: { residentKey: 'required', userVerification },
      supportedAlgorithmIDs: [...algorithms],
      extensions: { prf: {} } as never, // so that the same passkey can seal a share: see PrfBackend
    });
  }

  /** Takes what `create` gave, as `toJSON` of the credential writes it. Fails with `CHALLENGE_…` or `RESPONSE_…`. */
  async verifyRegistration(
    response: unknown,
    options: { readonly binding?: string } = {},
  ): Promise<Result<VerifiedRegistration, XlockError>> {
    checkNames('verifyRegistration', options, ['binding']);
    return attempted(async () => {
      const { challenge, record } = await this.#taken(response, 'create', options.binding);
      const { verifyRegistrationResponse } = await simplewebauthn();
      const { rpId, origins, userVerification, algorithms } = this.#settings;
      const info = await checked(async () => {
        const found = await verifyRegistrationResponse({
          response: response as never,
          expectedChallenge: challenge,
          expectedOrigin: [...origins],
          expectedRPID: rpId,
          requireUserVerification: userVerification === 'required',
          supportedAlgorithmIDs: [...algorithms],
        });
        return found.registrationInfo;
      });
      return this.#kept(info.credential, info.credentialDeviceType === 'singleDevice', record);
    });
  }

  /** For `navigator.credentials.get`. It names no passkeys, so it does not tell who is a user. */
  async authenticationOptions(
    request: { readonly binding?: string } = {},
  ): Promise<PublicKeyCredentialRequestOptionsJSON> {
    checkNames('authenticationOptions', request, ['binding']);
    const { generateAuthenticationOptions } = await simplewebauthn();
    const { rpId, userVerification } = this.#settings;
    const challenge = await this.#challenge('get', '', '', request.binding);
    return generateAuthenticationOptions({ rpID: rpId, challenge, timeout: this.#ttlMs, userVerification });
  }

  /**
   * Takes what `get` gave; once. The result is for `beginSession` of the verifier. Fails with `CHALLENGE_…`, `RESPONSE_…`, or
   * `PASSKEY_NOT_FOUND` for a passkey that is not registered.
   */
  async verifyAuthentication(
    response: unknown,
    options: { readonly binding?: string } = {},
  ): Promise<Result<VerifiedAuth, XlockError>> {
    checkNames('verifyAuthentication', options, ['binding']);
    return attempted(async () => {
      const { challenge } = await this.#taken(response, 'get', options.binding);
      const did = accountNameOf(String(Object(response).id));
      const credential = await asked(() => this.#records.credentials.get(did));
      if (!credential) throw new XlockError('PASSKEY_NOT_FOUND');
      const { parts, rpId, origins, userVerification } = this.#settings;
      assertActive(await asked(() => parts.records.accounts.get(did)), did);
      const { verifyAuthenticationResponse } = await simplewebauthn();
      const { newCounter } = await checked(async () => {
        const found = await verifyAuthenticationResponse({
          response: response as never,
          expectedChallenge: challenge,
          expectedOrigin: [...origins],
          expectedRPID: rpId,
          requireUserVerification: userVerification === 'required',
          // The counter is compared below, where others are kept out.
          credential: { id: credential.id, publicKey: fromBase64url(credential.publicKey)!, counter: 0 },
        });
        return found.verified ? found.authenticationInfo : undefined;
      });
      await this.#counted(did, newCounter);
      await parts.tell({
        type: 'xlock-answer',
        from: did,
        decision: 'accepted',
        reason: 'ok',
        data: { challenge, device: did, kind: 'webauthn' },
      });
      return { approved: true, did, userId: credential.userId, deviceId: did, challengeId: challenge };
    });
  }

  /** The passkeys of a user, without those that were revoked. Revoke one by `revokePasskey(did)` of the verifier. */
  async credentials(userId: string): Promise<readonly WebauthnCredential[]> {
    const dids = (await asked(() => this.#records.users.get(userId)))?.dids ?? [];
    const found: WebauthnCredential[] = [];
    for (const did of dids) {
      const credential = await asked(() => this.#records.credentials.get(did));
      const account = await asked(() => this.#settings.parts.records.accounts.get(did));
      const isActive = account?.revokedAt === undefined && account?.devices[0]?.revokedAt === undefined;
      if (credential && isActive) found.push(credential);
    }
    return found;
  }

  get #ttlMs(): number {
    return this.#settings.parts.options.challengeTtlMs ?? 300_000;
  }

  async #challenge(kind: WebauthnChallenge['kind'], userId: string, name: string, binding?: string) {
    const { now } = this.#settings.parts;
    const bytes = Uint8Array.from(randomBytes(32));
    const record: WebauthnChallenge = {
      kind,
      userId,
      name,
      binding: binding === undefined ? '' : toBase64url(sha256(binding)),
      expiresAt: now() + this.#ttlMs,
      isUsed: false,
    };
    await asked(() => this.#records.challenges.update(toBase64url(bytes), () => record));
    void this.#records.sweep(now()).catch(() => {});
    return bytes;
  }

  /** The challenge that an answer says it is for, from now on used: by compare-and-set, over any number of instances. */
  async #taken(response: unknown, kind: WebauthnChallenge['kind'], binding = '') {
    const text = Object(Object(response).response).clientDataJSON;
    const client = parseJson(Buffer.from(fromBase64url(text) ?? []).toString('utf8'));
    const challenge = isMembers(client) ? client['challenge'] : undefined;
    if (typeof challenge !== 'string' || fromBase64url(challenge, 32) === undefined)
      throw new XlockError('RESPONSE_SIGNATURE_INVALID:FORM', { field: 'clientDataJSON' });
    const record = await asked(() =>
      this.#records.challenges.update(challenge, (before) => {
        const isOurs = before?.kind === kind;
        const isBound = isOurs && before.binding !== '';
        if (!isOurs || (isBound && !sameBytes(before.binding, toBase64url(sha256(binding)))))
          throw new XlockError('CHALLENGE_INVALID:UNKNOWN');
        if (before.isUsed) throw new XlockError('CHALLENGE_ALREADY_USED');
        if (before.expiresAt <= this.#settings.parts.now()) throw new XlockError('CHALLENGE_EXPIRED');
        return { ...before, isUsed: true };
      }),
    );
    return { challenge, record };
  }

  async #kept(
    made: { id: string; publicKey: Uint8Array; counter: number; transports?: readonly string[] },
    isDeviceBound: boolean,
    { userId, name }: WebauthnChallenge,
  ): Promise<VerifiedRegistration> {
    const { parts } = this.#settings;
    const { id, counter, transports = [] } = made;
    const did = accountNameOf(id);
    const publicKey = toBase64url(made.publicKey);
    const addedAt = parts.now();
    await asked(() =>
      this.#records.credentials.update(did, (before) => {
        // A second time where the first one ended half way.
        if (before && (before.publicKey !== publicKey || before.userId !== userId))
          throw new XlockError('PASSKEY_GENERATION_FAILED:EXISTS');
        return before ?? { id, publicKey, counter, transports, userId, did, isDeviceBound, addedAt };
      }),
    );
    const device = { id: did, name, addedAt };
    await asked(() =>
      parts.records.accounts.update(did, (before) => before ?? { did, userId, devices: [device] }),
    );
    await asked(() =>
      this.#records.users.update(userId, (before) =>
        before?.dids.includes(did) ? before : { dids: [...(before?.dids ?? []), did] },
      ),
    );
    await parts.tell({
      type: 'xlock-answer',
      from: did,
      decision: 'accepted',
      data: { kind: 'webauthn-new' },
    });
    return { did, userId, deviceId: did, deviceName: name };
  }

  /** Authenticators that count go up each time (WebAuthn 6.1.1). */
  async #counted(did: string, counter: number): Promise<void> {
    await asked(() =>
      this.#records.credentials.update(did, (before) => {
        if (!before) throw new XlockError('PASSKEY_NOT_FOUND');
        if (counter === 0 && before.counter === 0) return before;
        if (counter <= before.counter) throw new XlockError('RESPONSE_SIGNATURE_INVALID:COUNTER');
        return { ...before, counter };
      }),
    );
  }
}

/** What the peer throws, or does not find good, is one error. */
async function checked<T>(check: () => Promise<T | undefined>): Promise<T> {
  let cause: unknown;
  try {
    const found = await check();
    if (found) return found;
  } catch (error) {
    cause = error;
  }
  throw new XlockError('RESPONSE_SIGNATURE_INVALID:WEBAUTHN', { cause });
}
