import { setTimeout as wait } from 'node:timers/promises';
import type { Answers, Fleet, LoadOrder, LoadReport } from './fleet.js';

/** Something that goes wrong for a while, and is mended. */
export interface Outage {
  readonly name: string;
  readonly begins: () => unknown;
  readonly ends: () => unknown;
  /** What the test does once it is over; the load goes on. */
  readonly afterwards?: () => unknown;
}

export interface Weather {
  /** How long each outage lasts, in ms. */
  readonly troubleMs: number;
  /** How long all is well before the first, in between, and after the last, in ms. */
  readonly peaceMs: number;
}

export interface Rehearsal {
  readonly report: LoadReport;
  readonly accepted: ReadonlyMap<number, number>;
  /** When each outage was over, ms since 1970. */
  readonly over: ReadonlyMap<string, number>;
}

/** One outage after the other while the fleet is under load. */
export async function rehearse(
  fleet: Fleet,
  order: LoadOrder,
  { troubleMs, peaceMs }: Weather,
  outages: readonly Outage[],
): Promise<Rehearsal> {
  const over = new Map<string, number>();
  const done = fleet.load({ ...order, retry: true });
  for (const { name, begins, ends, afterwards } of outages) {
    await wait(peaceMs);
    await begins();
    await wait(troubleMs);
    await ends();
    over.set(name, Date.now());
    await afterwards?.();
  }
  await fleet.finish(Date.now() + peaceMs); // however long all that took
  return { report: await done, accepted: await fleet.accepted(), over };
}

/** How long after an outage there was an answer with 200 again, in ms. */
export const backAfter = ({ successes }: Answers, at: number): number =>
  (successes.find((time) => time >= at) ?? Infinity) - at;

/** The same for all outages, as a text. */
export const recoveries = (answers: Answers, over: Rehearsal['over']): string =>
  [...over].map(([name, at]) => `${name}: ${backAfter(answers, at)} ms`).join(', ');
