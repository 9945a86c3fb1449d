import { type Framework, type Gate, HAND_WRITTEN, listenerFor } from './apps.js';
import type { Protocol, Row, Step, Way } from './row.js';
import type { Stage } from './stage.js';
import { Trace } from './trace.js';
import { askIn, type Opened } from './ways.js';

const LIMIT_MS = 10_000;

/** What came of one run of a row. */
export interface Run {
  readonly answers: readonly Opened[];
  readonly trace: Trace;
}

/** Runs the application of a row with its requests in one of the ways. `undefined`: it cannot be asked that way. */
export async function runRow(
  stage: Stage,
  row: Row,
  [framework, protocol, way]: readonly [Framework, Protocol, Way],
  adapter: Gate = stage.adapter,
): Promise<Run | undefined> {
  const trace = new Trace();
  const isPlain = way === 'plain';
  const listener = listenerFor(row, framework, protocol, isPlain ? HAND_WRITTEN : adapter, trace);
  stage.play((req, res) => {
    trace.watch(res);
    listener(req, res);
  });
  const answers: Opened[] = [];
  const steps = [row.asks ?? {}].flat() as Step[];
  for (const step of steps) {
    const ask = typeof step === 'function' ? step(answers.at(-1)!) : step;
    const asking = await askIn(way, stage.known, ask);
    if (!asking) return undefined;
    const received = await inTime(stage.send(protocol, isPlain, asking.sent), `an answer (${way})`);
    await inTime(stage.over(), `the end of the response (${way})`);
    answers.push(await asking.open(received));
  }
  return { answers, trace };
}

/** Rejects long before the test runner would, and says which run it was. */
async function inTime<T>(result: Promise<T>, name: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} is still to come after ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  return Promise.race([result, late]).finally(() => clearTimeout(timer));
}
