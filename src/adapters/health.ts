import { toXlinkError } from '../errors/errors.js';
import type { Mode } from '../types/mode.js';
import { within } from '../util/deadline.js';

/** How long each store may take to answer, in ms. */
const PROBE_MS = 2000;

/** Whether an API can take requests, and if not, why. From `adapter.health()`. */
export interface AdapterHealth {
  /** Whether everything that requests need answers. */
  readonly ready: boolean;
  /** What keeps it from being ready, a sentence each; empty if it is. */
  readonly why: readonly string[];
  /** What works, but not as well as it should, a sentence each; empty if there is nothing. */
  readonly warnings: readonly string[];
  /** When this was found out, ISO 8601 in UTC. */
  readonly at: string;
  /** The mode of everything that has none of its own. */
  readonly mode: Mode;
  /**
   * Each store that is in use, and whether it answered. `audit`: whether the last entry could be kept; if not, one of the type `health` is
   * tried. It counts for `ready` only where `failClosed` refuses requests for it.
   */
  readonly stores: Readonly<Record<string, StoreHealth>>;
  /** How far the clock of this machine was set since the process began, in ms; slow drift included. More than 1000: look at NTP. */
  readonly clockMovedMs: number;
  /** When the encryption keys are replaced next, ISO 8601 in UTC; absent without a `keyStore`. */
  readonly nextRotation?: string;
  /** The brownout that is running, or next, ISO 8601 in UTC; absent if there is none. */
  readonly nextBrownout?: { readonly from: string; readonly until: string };
}

/** How one store answered. */
export interface StoreHealth {
  /** Whether it did, within two seconds. */
  readonly ok: boolean;
  /** How long it took, in ms. */
  readonly tookMs: number;
  /** The id of the error (docs/errors.md); absent if it answered. */
  readonly error?: string;
}

/** Asks a store something that changes nothing. */
export type Probe = () => unknown;

/** Asks all of them at once. What is optional does not count for `ready`. */
export async function storesHealth(
  probes: Readonly<Record<string, Probe>>,
): Promise<Record<string, StoreHealth>> {
  const answers = Object.entries(probes).map(
    async ([name, probe]) => [name, await healthOf(name, probe)] as const,
  );
  return Object.fromEntries(await Promise.all(answers));
}

async function healthOf(name: string, probe: Probe): Promise<StoreHealth> {
  const started = performance.now();
  const tookMs = () => Math.round(performance.now() - started);
  try {
    const silent = () => new Error(`${name} did not answer within ${PROBE_MS} ms`);
    await within(PROBE_MS, (async () => probe())(), silent);
    return { ok: true, tookMs: tookMs() };
  } catch (thrown) {
    return { ok: false, tookMs: tookMs(), error: toXlinkError(thrown).id };
  }
}

/** How far the wall clock has moved against the clock that nobody sets. */
export const clockMovedMs = (): number =>
  Math.round(Date.now() - (performance.timeOrigin + performance.now()));

/** A sentence for each thing that keeps an API from being ready. */
export const whyNot = (stores: Readonly<Record<string, StoreHealth>>): string[] =>
  Object.entries(stores)
    .filter(([, { ok }]) => !ok)
    .map(([name, { error }]) => `the store of ${name} did not answer (${error})`);
