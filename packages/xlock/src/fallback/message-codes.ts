import { randomBytes, scrypt } from 'node:crypto';
import type { Result } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { isXlockError, XlockError } from '../errors.js';
import { fromBase64url, sameBytes, sha256, toBase64url } from '../util/bytes.js';
import { checkNames, checkValue, hasMethods, invalidOption, isFunction, isText } from '../util/options.js';
import { accountOf, changed } from '../verifier/accounts.js';
import { attempted } from '../verifier/attempted.js';
import { decoyAccount } from '../verifier/decoys.js';
import { heldFor } from '../verifier/issue.js';
import { type Parts, partsOfGiven } from '../verifier/parts.js';
import { asked } from '../verifier/records.js';
import { overIn, Sweeper } from '../verifier/sweeper.js';
import { assertActive } from '../verifier/take-answer.js';
import type { VerifiedAuth, XlockVerifier } from '../verifier/verifier.js';
import { normalCode, randomCode } from './code.js';

/** Sends a code by SMS, e-mail, or whatever else: yours to bring. A rejection: it could not be sent. */
export interface MessageSender {
  /** `to`: as it was given to `enable`. Say in the message which `origin` it is for, and that nobody who asks for it may have it. */
  send(
    to: string,
    code: string,
    about: { readonly origin: string; readonly expiresAt: number },
  ): Promise<unknown> | unknown;
}

/** How long a code is good, in ms: 10 minutes. */
const TTL_MS = 600_000;
/** How often one may be typed. */
const TRIES = 5;

interface Destination {
  readonly to: string;
  readonly deviceId: string;
}

interface SentCode {
  readonly did: string;
  readonly salt: string;
  /** scrypt (RFC 7914) of the code, 32 bytes, base64url: 40 bits are too few for a hash that is fast. */
  readonly hash: string;
  readonly binding: string;
  readonly expiresAt: number;
  readonly tries: number;
  readonly isUsed: boolean;
}

/**
 * Logins by a code that comes as a message, for when no push arrives. Weaker than everything else here: whoever reads the message, or has the
 * number moved to a phone of his own, is in, and a copied page can ask for the code. So it is off for each passkey until `enable`, which adds it to
 * the devices of the passkey: `revokeDevice` of the verifier turns it off, and ends its sessions.
 */
export class MessageCodes {
  readonly #parts: Parts;
  readonly #sender: MessageSender;
  readonly #destinations: Documents<Destination>;
  readonly #codes: Documents<SentCode>;
  readonly #onError: (error: XlockError) => void;
  readonly #sweeper = new Sweeper();

  /**
   * `onError`: told that a message could not be sent, which the page must not be told: it would say who has an account. Default: not called. Throws
   * `INVALID_OPTION`.
   */
  constructor(options: {
    readonly verifier: XlockVerifier;
    readonly sender: MessageSender;
    readonly onError?: (error: XlockError) => void;
  }) {
    checkNames('MessageCodes', options, ['verifier', 'sender', 'onError']);
    this.#parts = partsOfGiven('MessageCodes', options.verifier);
    if (!hasMethods('send')(options.sender))
      throw invalidOption('sender', 'MessageCodes: sender must be an object with send().');
    checkValue('MessageCodes', 'onError', options.onError as unknown, isFunction, 'a function');
    this.#sender = options.sender;
    this.#onError = options.onError ?? (() => {});
    this.#destinations = new Documents(this.#parts.records.store, 'xlock-message');
    this.#codes = new Documents(this.#parts.records.store, 'xlock-code');
  }

  /** Allows codes for a passkey, whose user asked for it and is logged in; resolves to the id of the new device. Throws `PASSKEY_NOT_FOUND`. */
  async enable({ did, to }: { readonly did: string; readonly to: string }): Promise<string> {
    if (!isText(to) || to.length > 320)
      throw invalidOption('to', 'to must be a text of up to 320 characters.');
    const id = `message:${toBase64url(randomBytes(16))}`;
    const addedAt = this.#parts.now();
    await changed(this.#parts, did, (account) => ({
      ...account,
      devices: [
        ...account.devices.filter((one) => !one.id.startsWith('message:')), // its sessions end, too
        { id, name: 'code by message', addedAt },
      ],
    }));
    await asked(() => this.#destinations.update(did, () => ({ to, deviceId: id })));
    await this.#parts.tell({ type: 'xlock-fallback-enabled', to: did, data: { device: id } });
    return id;
  }

  /**
   * Sends a code of 8 letters, good for 10 minutes and 5 tries. For who is no user, did not enable it, asked too often (`maxPushes` of the
   * verifier, shared with its pushes) or has just denied a login the answer is the same, and nothing is sent; nor does it wait for the sender.
   */
  async begin(request: {
    readonly userId?: string;
    readonly did?: string;
    readonly binding?: string;
  }): Promise<{ readonly id: string; readonly expiresAt: number }> {
    checkNames('begin', request, ['userId', 'did', 'binding']);
    const { userId, did, binding } = request;
    const code = randomCode(8);
    const salt = randomBytes(16);
    const hash = toBase64url(await stretched(normalCode(code), salt));
    const expiresAt = this.#parts.now() + TTL_MS;
    const answer = { id: toBase64url(randomBytes(16)), expiresAt };
    const found = await this.#enabled({ userId, did });
    const decoy = await decoyAccount(this.#parts, { did, userId }); // made for users, too: the time tells nothing
    const held = await heldFor(this.#parts, found?.account ?? decoy);
    const record: SentCode = {
      did: found?.account.did ?? '', // nobody's: nothing that is typed is right
      salt: toBase64url(salt),
      hash,
      binding: binding === undefined ? '' : toBase64url(sha256(binding)),
      expiresAt,
      tries: 0,
      isUsed: false,
    };
    await asked(() => this.#codes.update(answer.id, () => record));
    const now = this.#parts.now();
    void this.#sweeper
      .sweep(
        now,
        overIn(this.#codes, (code) => code.expiresAt < now),
      )
      .catch(() => {});
    if (found && held === '') void this.#send(found.to, code, expiresAt);
    return answer;
  }

  async #send(to: string, code: string, expiresAt: number): Promise<void> {
    try {
      await this.#sender.send(to, code, { origin: this.#parts.origin, expiresAt });
    } catch (cause) {
      const resolution = 'The message could not be sent.';
      try {
        this.#onError(new XlockError('CHALLENGE_GENERATION_FAILED', { cause, resolution }));
      } catch {} // who is told must not end the program
    }
  }

  /**
   * Takes what the user typed; the result is for `beginSession`. Fails with `RESPONSE_SIGNATURE_INVALID:CODE`, `CHALLENGE_EXPIRED`, or
   * `CHALLENGE_ALREADY_USED` once it was right, or wrong five times.
   */
  async verify(
    id: string,
    code: string,
    options: { readonly binding?: string } = {},
  ): Promise<Result<VerifiedAuth, XlockError>> {
    checkNames('verify', options, ['binding']);
    return attempted(async () => {
      const wrong = () => new XlockError('RESPONSE_SIGNATURE_INVALID:CODE');
      const tried = await asked(() =>
        this.#codes.update(String(id), (before) => {
          if (!before) throw wrong();
          if (before.binding !== '' && !sameBytes(before.binding, toBase64url(sha256(options.binding ?? ''))))
            throw new XlockError('CHALLENGE_INVALID:UNKNOWN');
          if (before.isUsed || before.tries >= TRIES) throw new XlockError('CHALLENGE_ALREADY_USED');
          if (before.expiresAt <= this.#parts.now()) throw new XlockError('CHALLENGE_EXPIRED');
          return { ...before, tries: before.tries + 1 }; // counted before it is compared
        }),
      );
      const hash = await stretched(normalCode(code), fromBase64url(tried.salt)!);
      if (tried.did === '' || !sameBytes(hash, fromBase64url(tried.hash)!)) throw wrong();
      const found = await this.#enabled({ did: tried.did });
      if (!found) throw new XlockError('RESPONSE_DEVICE_MISMATCH:REVOKED');
      await asked(() =>
        this.#codes.update(id, (before) => {
          if (!before || before.isUsed) throw new XlockError('CHALLENGE_ALREADY_USED');
          return { ...before, isUsed: true };
        }),
      );
      const { did, userId } = found.account;
      await this.#parts.tell({
        type: 'xlock-answer',
        from: did,
        decision: 'accepted',
        data: { kind: 'message' },
      });
      return { approved: true, did, userId, deviceId: found.deviceId, challengeId: id };
    });
  }

  async #enabled(who: { readonly userId?: string | undefined; readonly did?: string | undefined }) {
    try {
      const account = await accountOf(this.#parts, who);
      const destination = await asked(() => this.#destinations.get(account.did));
      if (!destination) return undefined;
      assertActive(account, destination.deviceId);
      return { account, ...destination };
    } catch (error) {
      if (isXlockError(error) && ['PASSKEY_NOT_FOUND', 'RESPONSE_DEVICE_MISMATCH'].includes(error.code))
        return undefined;
      throw error;
    }
  }
}

function stretched(code: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(code, salt, 32, { N: 2 ** 14, r: 8, p: 1 }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
