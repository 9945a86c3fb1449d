import { MODES, type Mode } from '../../types/mode.js';
import type { Awaitable } from '../../util/awaitable.js';
import type { TrafficSample } from './traffic-window.js';

/** The mode that the instances of an API share, and what a plan must know to go on from there. */
export interface ModeState {
  /** The mode of everything that has no mode of its own. */
  readonly mode: Mode;
  /** Since when it is in force, in ms since 1970. */
  readonly since: number;
  /** The place of this change among all changes: of two states the one with the higher revision is the later. Set by `SharedMode`. */
  readonly revision?: number;
  /** Why, as given to `setMode`. */
  readonly reason?: string;
  /** Who set it, as given to `setMode`. */
  readonly by?: string;
  /** The mode before, if a plan stepped forward from it and may go back. */
  readonly wayBack?: Mode;
  /** Totals of all clients at some moments, oldest first: what a plan takes its shares over. */
  readonly samples?: readonly TrafficSample[];
}

/** A state as it was found. */
export interface StoredMode extends ModeState {
  /** 1, 2, 3 …: grows by one with each `save`. */
  readonly version: number;
}

/** Where the shared mode is kept. A throw or rejection changes no mode. */
export interface ModeStore {
  /** `undefined`: there is none yet. */
  load(): Awaitable<StoredMode | undefined>;
  /**
   * Atomically: false, and nothing written, unless `expectedVersion` is still the version that is there (0: none). After a
   * rejection it may be written all the same.
   */
  save(state: ModeState, expectedVersion: number): Awaitable<boolean>;
  /** Calls the listener soon after every change, wherever it was made, and whenever one may have been missed, until the returned function is called. */
  onChange?(listener: () => void): () => void;
}

/** Throws for anything that is not the JSON of a state: another program may write to the same place. */
export function parseModeState(json: string): ModeState {
  const { mode, since, revision, reason, by, wayBack, samples } = JSON.parse(json) ?? {};
  const isValid =
    MODES.includes(mode) &&
    Number.isSafeInteger(since) &&
    (revision === undefined || Number.isSafeInteger(revision)) &&
    (reason === undefined || typeof reason === 'string') &&
    (by === undefined || typeof by === 'string') &&
    (wayBack === undefined || MODES.includes(wayBack)) &&
    (samples === undefined || (Array.isArray(samples) && samples.every(isSample)));
  if (!isValid) throw new TypeError('What is stored is not a shared mode.');
  return {
    mode,
    since,
    ...(revision === undefined ? {} : { revision }),
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
    ...(wayBack === undefined ? {} : { wayBack }),
    ...(samples === undefined ? {} : { samples }),
  };
}

/** Throws for a state that nobody could load again: once stored, it would keep every instance from starting. */
export const assertModeState = (state: ModeState): void => void parseModeState(JSON.stringify(state));

const isSample = ({ at, totals }: TrafficSample): boolean =>
  [at, totals?.key, totals?.xlink, totals?.refused].every(Number.isSafeInteger);
