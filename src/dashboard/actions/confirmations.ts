import { defaultProvider } from '#provider';
import type { Clock } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import { BoundedMap } from '../../util/bounded-map.js';

/** How long an operator may think about it. */
export const CONFIRM_WITHIN_MS = 120_000;
/** Questions that are open at once. */
const MAX_OPEN = 100;

/** What was asked, of whom, and until when the answer counts. */
interface Question {
  readonly by: string;
  readonly what: string;
  readonly until: number;
}

/** Tokens that confirm one thing, by the one who was asked, once. */
export class Confirmations {
  readonly #clock: Clock;
  readonly #open = new BoundedMap<string, Question>(MAX_OPEN);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `what`: what is to be confirmed, word for word. */
  ask(by: string, what: string): { readonly token: string; readonly until: number } {
    const token = encodeBase64url(defaultProvider().randomBytes(24));
    const until = this.#clock() + CONFIRM_WITHIN_MS;
    this.#open.set(token, { by, what, until });
    return { token, until };
  }

  /** Whether this is the answer to that question. The token is used up, right or wrong. */
  take(token: string, by: string, what: string): boolean {
    const question = this.#open.get(token);
    this.#open.delete(token);
    return (
      question !== undefined &&
      question.by === by &&
      question.what === what &&
      this.#clock() <= question.until
    );
  }
}
