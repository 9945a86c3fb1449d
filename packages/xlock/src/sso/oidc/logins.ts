import { randomBytes } from 'node:crypto';
import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { toBase64url } from '../../util/bytes.js';
import { asked } from '../../verifier/records.js';
import type { XlockVerifier } from '../../verifier/verifier.js';
import { epochOf, type Login, stillHolds } from '../holds.js';

/** A login behind a session, and behind the grants that were made of it. */
export interface SsoLogin extends Login {
  readonly id: string;
  /** When the session is over, in ms since 1970. What is granted may live longer. */
  readonly sessionUntil: number;
  readonly until: number;
}

/**
 * Which login stands behind a session, a grant and the tokens of that. Every question asks the verifier, so that all of them end in the moment
 * in which the passkey or device is revoked.
 */
export class Logins {
  readonly #verifier: XlockVerifier;
  readonly #documents: Documents<SsoLogin>;
  readonly #now: () => number;
  readonly #sessionMs: number;
  readonly #longestMs: number;

  /** `longestMs`: how long a grant is good. */
  constructor(options: {
    readonly verifier: XlockVerifier;
    readonly store: OperationsStore;
    readonly now: () => number;
    readonly sessionMs: number;
    readonly longestMs: number;
  }) {
    this.#verifier = options.verifier;
    this.#documents = new Documents(options.store, 'xlock-oidc-login');
    this.#now = options.now;
    this.#sessionMs = options.sessionMs;
    this.#longestMs = options.longestMs;
  }

  /** A session begins with an approval, or goes on with another one. */
  async begin(sessionUid: string, { did, userId, deviceId }: Omit<Login, 'at' | 'epoch'>): Promise<SsoLogin> {
    const at = this.#now();
    const epoch = await epochOf(this.#verifier, did);
    const login: SsoLogin = {
      id: toBase64url(randomBytes(16)),
      did,
      userId,
      deviceId,
      at,
      epoch,
      sessionUntil: at + this.#sessionMs,
      until: at + this.#longestMs,
    };
    return asked(() => this.#documents.update(`session.${sessionUid}`, () => login));
  }

  /** A grant is made of a login. */
  async grant(grantId: string, login: SsoLogin): Promise<void> {
    await asked(() => this.#documents.update(`grant.${grantId}`, () => login));
  }

  /** The login of a session, while both hold. */
  async ofSession(sessionUid: string): Promise<SsoLogin | undefined> {
    const login = await this.#holding(`session.${sessionUid}`);
    return login && this.#now() < login.sessionUntil ? login : undefined;
  }

  /** The login of a grant, while it holds. */
  ofGrant(grantId: string): Promise<SsoLogin | undefined> {
    return this.#holding(`grant.${grantId}`);
  }

  /** Removes what is over. */
  async sweep(): Promise<void> {
    const isOver = ({ until }: SsoLogin) => until < this.#now();
    for (const [name, login] of await this.#documents.all())
      if (isOver(login)) await this.#documents.removeIf(name, isOver);
  }

  async #holding(name: string): Promise<SsoLogin | undefined> {
    const login = await asked(() => this.#documents.get(name));
    if (!login || login.until <= this.#now()) return undefined;
    return (await stillHolds(this.#verifier, login)) ? login : undefined;
  }
}
