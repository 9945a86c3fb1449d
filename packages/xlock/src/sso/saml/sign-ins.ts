import { randomBytes } from 'node:crypto';
import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { XlockError } from '../../errors.js';
import { lengthPrefixed, sha256, toBase64url } from '../../util/bytes.js';
import { asked } from '../../verifier/records.js';
import type { Login } from '../holds.js';
import type { FAILURES } from './response.js';
import { refused } from './xml.js';

/** What a sign-in ends with. */
export type Outcome =
  | { readonly login: Login & { readonly sessionUntil: number } }
  | { readonly failure: keyof typeof FAILURES };

/** A request of a service that was checked, and what became of it. */
export interface SamlSignIn {
  readonly entityId: string;
  readonly requestId: string;
  readonly acsUrl: string;
  readonly relayState: string;
  readonly context: string;
  readonly forceAuthn: boolean;
  readonly isPassive: boolean;
  /** In ms since 1970. */
  readonly until: number;
  /** SHA-256 of what binds it to the browser that opened its page first. */
  readonly browser?: string;
  readonly outcome?: Outcome;
  /** Whether its response was given out. */
  readonly isAnswered?: boolean;
}

/** Sign-ins by SAML: each request begins one, and each gives one response, by compare-and-set among all instances. */
export class SignIns {
  readonly #documents: Documents<SamlSignIn>;
  readonly #seen: Documents<{ readonly until: number }>;
  readonly #now: () => number;

  constructor(store: OperationsStore, now: () => number) {
    this.#documents = new Documents(store, 'xlock-saml-sign-in');
    this.#seen = new Documents(store, 'xlock-saml-request');
    this.#now = now;
  }

  /** Begins a sign-in; its id. `freshMs`: how long the same request could be taken again. Throws `REQUEST_INVALID` for one that was seen. */
  async begin(signIn: SamlSignIn, freshMs: number): Promise<string> {
    const name = toBase64url(sha256(lengthPrefixed([signIn.entityId, signIn.requestId])));
    const until = Math.max(signIn.until, this.#now() + freshMs);
    await asked(() =>
      this.#seen.update(name, (before) => {
        if (before && before.until >= this.#now()) throw refused('The request was used already.');
        return { until };
      }),
    );
    const id = toBase64url(randomBytes(16));
    await asked(() => this.#documents.update(id, () => signIn));
    return id;
  }

  /** The sign-in, in the browser that opened its page first. Throws `CHALLENGE_INVALID:UNKNOWN`. */
  async open(id: string, browser: string, isPage: boolean): Promise<SamlSignIn> {
    return this.#changed(id, (signIn) => {
      if (signIn.browser === undefined && isPage) return { ...signIn, browser };
      if (signIn.browser !== browser) throw gone();
      return signIn;
    });
  }

  /** How it ends; what was first stays. */
  end(id: string, outcome: Outcome): Promise<SamlSignIn> {
    return this.#changed(id, (signIn) => (signIn.outcome ? signIn : { ...signIn, outcome }));
  }

  /** Takes the outcome, once. Throws `CHALLENGE_ALREADY_USED`, or `CHALLENGE_INVALID:UNKNOWN` where there is none yet. */
  take(id: string): Promise<SamlSignIn> {
    return this.#changed(id, (signIn) => {
      if (!signIn.outcome) throw gone();
      if (signIn.isAnswered) throw new XlockError('CHALLENGE_ALREADY_USED');
      return { ...signIn, isAnswered: true };
    });
  }

  /** Removes what is over. */
  async sweep(): Promise<void> {
    const isOver = ({ until }: { readonly until: number }) => until < this.#now();
    for (const documents of [this.#documents, this.#seen] as Documents<{ until: number }>[])
      for (const [name, record] of await documents.all())
        if (isOver(record)) await documents.removeIf(name, isOver);
  }

  #changed(id: string, change: (signIn: SamlSignIn) => SamlSignIn): Promise<SamlSignIn> {
    return asked(() =>
      this.#documents.update(id, (before) => {
        if (!before || before.until <= this.#now()) throw gone();
        return change(before);
      }),
    );
  }
}

const gone = () =>
  new XlockError('CHALLENGE_INVALID:UNKNOWN', {
    resolution: 'This sign-in is over, or was begun in another browser. Begin anew at the service.',
  });
