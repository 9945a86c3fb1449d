import { createHash } from 'node:crypto';
import type { Part, Row } from './row.js';
import type { Run } from './run-row.js';
import type { Opened } from './ways.js';

/** Headers that are compared without their values: the second in which an answer was made. */
const ALWAYS = { date: 'the time of the answer' };

/** They belong to the connection, so a sealed answer does not have them inside (PROTOCOL, 12.5). */
const OF_THE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'trailer',
  'upgrade',
  'te',
]);

export type Differences = Partial<Record<Part, readonly [plain: unknown, other: unknown]>>;

/** What differs between a run without the adapter and one with it. */
export function differences(row: Row, plain: Run, other: Run): Differences {
  const sealed = other.answers.some((answer) => answer.sealed);
  const [one, two] = [partsOf(row, plain, sealed), partsOf(row, other, sealed)];
  const found: Differences = {};
  for (const part of Object.keys(one) as Part[]) {
    if (row.leavesOut?.[part] !== undefined) continue;
    if (JSON.stringify(one[part]) !== JSON.stringify(two[part])) found[part] = [one[part], two[part]];
  }
  return found;
}

function partsOf(row: Row, { answers, trace }: Run, sealed: boolean): Partial<Record<Part, unknown>> {
  const masked = { ...ALWAYS, ...row.values };
  const headersOf = (pairs: Opened['headers']) =>
    pairs
      .map(([name, value]): [string, string] => [name.toLowerCase(), value])
      .filter(([name]) => !(sealed && OF_THE_CONNECTION.has(name)))
      .map(([name, value]): [string, string] => [name, name in masked ? '(masked)' : value]);
  const byName = (pairs: [string, string][]) => pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); // lines of one name stay in order
  const each = (part: (answer: Opened) => unknown) => answers.map(part);
  return {
    status: each(({ status }) => status),
    headers: each(({ headers }) => byName(headersOf(headers))),
    body: each(({ bytes }) => textOf(bytes)),
    broken: each(({ broken }) => broken),
    interim: each(({ interim }) => interim.map(({ status, headers }) => [status, headersOf(headers)])),
    trailers: each(({ trailers }) => trailers),
    trace: trace.steps,
    request: trace.requests,
    log: trace.log,
    // A sealed answer has no reason phrase, and puts Content-Type first.
    ...(sealed
      ? {}
      : {
          reason: each(({ reason }) => reason),
          'order of headers': each(({ headers }) => headers.map(([name]) => name)),
        }),
  };
}

/** Text where it is short enough to be read in a failure. */
function textOf(bytes: Buffer): string {
  if (bytes.length <= 2000) return bytes.toString('latin1');
  return `${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex')}`;
}
