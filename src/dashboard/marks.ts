import type { Brownout } from '../adapters/modes/brownouts.js';
import type { XlinkEvent } from '../types/events.js';
import type { Clock } from '../types/protocol.js';
import { readable } from './readable.js';

/** Something that happened or is announced, shown where it is in time. Times in ms since 1970. */
export interface Mark {
  /** What it is; they are drawn differently. */
  readonly kind: 'mode' | 'brownout' | 'rotation';
  /** When it was or begins. */
  readonly at: number;
  /** When it ends; absent of what is a moment. */
  readonly until?: number;
  /** What it is, in a few words. */
  readonly text: string;
}

const MAX_MARKS = 100;
const MAX_TEXT_CHARACTERS = 200;

/** Mode changes, brownouts and new encryption keys since it was made; the latest of each kind. */
export class Marks {
  readonly #clock: Clock;
  readonly #all: Mark[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(event: XlinkEvent): void {
    if (event.type === 'mode' && event.from !== undefined && event.client === undefined) {
      const what = event.route === undefined ? '' : ` for ${event.route}`;
      this.#add({
        kind: 'mode',
        at: event.since ?? this.#clock(),
        text: `Mode ${event.from} → ${event.to}${what}${whoAndWhy(event)}`,
      });
    } else if (event.type === 'key-epoch')
      this.#add({ kind: 'rotation', at: event.since, text: `New encryption keys, epoch ${event.keyEpoch}` });
  }

  /** Those that are announced or running; once over, an adapter forgets them, and these marks do not. */
  noteBrownouts(brownouts: readonly Brownout[]): void {
    for (const { from, until } of brownouts)
      this.#add({
        kind: 'brownout',
        at: from.getTime(),
        until: until.getTime(),
        text: 'Brownout: keys are refused while the mode is deprecation',
      });
  }

  /** Oldest first. */
  get all(): readonly Mark[] {
    return [...this.#all].sort((a, b) => a.at - b.at);
  }

  #add(mark: Mark): void {
    const text = readable(mark.text, MAX_TEXT_CHARACTERS);
    const isKnown = this.#all.some(
      (one) => one.kind === mark.kind && one.at === mark.at && one.until === mark.until && one.text === text,
    );
    if (isKnown) return;
    this.#all.push({ ...mark, text });
    if (this.#all.length > MAX_MARKS) this.#all.shift();
  }
}

/** As it follows a sentence: `: because (by somebody)`. */
export const whoAndWhy = ({ reason, by }: { readonly reason?: string; readonly by?: string }): string =>
  `${reason === undefined ? '' : `: ${reason}`}${by === undefined ? '' : ` (by ${by})`}`;
