import { randomBytes } from 'node:crypto';
import { type ChangesAnswer, positionIn } from '../registry/changes-protocol.js';

/** Tags that are remembered: who was away for longer is told that anything may have changed. */
const CAPACITY = 4096;

/** The latest changes, in their order. Positions are those of one run of one server, which has a name of its own. */
export class ChangeLog {
  readonly #server = randomBytes(12).toString('base64url');
  #tags: string[] = [];
  /** Of the next change. */
  #position = 0;

  add(tag: string): void {
    this.#position += 1;
    this.#tags.push(tag);
    if (this.#tags.length > CAPACITY) this.#tags.shift();
  }

  /** Anything may have changed. */
  addUnknown(): void {
    this.#position += 1;
    this.#tags = [];
  }

  /** What happened since the positions in `after`, as a client sent them. */
  since(after: string): ChangesAnswer {
    const from = positionIn(after, this.#server);
    const missed = from === undefined ? Number.NaN : this.#position - from;
    const isKnown = Number.isInteger(missed) && missed >= 0 && missed <= this.#tags.length;
    return {
      server: this.#server,
      position: this.#position,
      changed: isKnown ? this.#tags.slice(this.#tags.length - missed) : undefined,
    };
  }
}
