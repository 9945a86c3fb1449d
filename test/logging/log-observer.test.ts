import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { type XlinkEvent, xlinkError } from '@private.me/xlink';
import { type LogObserverOptions, logObserver } from '@private.me/xlink/logging';
import pino from 'pino';
import { frozenClock } from '../support/clock.js';
import { thrownBy } from '../support/results.js';

type Line = { level: number; msg: string; xlink: Record<string, unknown>; err?: Record<string, unknown> };

/** A real pino that writes down everything, and what it wrote. */
function logged(options: LogObserverOptions = {}) {
  const lines: Line[] = [];
  const logger = pino(
    { level: 'debug', base: null },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  const clock = frozenClock();
  const observe = logObserver(logger, { clock, ...options });
  return {
    lines,
    clock,
    observe,
    written: () => lines.map(({ level, msg }) => `${pino.levels.labels[level]} ${msg}`),
  };
}

const request = (more: Partial<Extract<XlinkEvent, { type: 'request' }>> = {}): XlinkEvent => ({
  type: 'request',
  mode: 'hybrid',
  method: 'api-key',
  outcome: 'accepted',
  reason: 'ok',
  status: 200,
  route: '/orders/:id',
  durationMs: 0.4,
  ...more,
});
const refused = (reason: string, status = 401) => request({ outcome: 'refused', reason, status });

describe('a line for each event', () => {
  const states = { moved: 1 } as never;
  test.each<[XlinkEvent, string]>([
    [request(), 'debug xlink: request accepted'],
    [request({ status: 503 }), 'debug xlink: request accepted'],
    [refused('API_KEY_INVALID'), 'info xlink: request refused, API_KEY_INVALID'],
    [refused('LOOKUP_FAILED', 503), 'error xlink: request refused, LOOKUP_FAILED'],
    [{ type: 'observed', reason: 'ok', version: 2 }, 'debug xlink: envelope observed, ok'],
    [{ type: 'observed', reason: 'REPLAY_DETECTED' }, 'info xlink: envelope observed, REPLAY_DETECTED'],
    [{ type: 'mode', from: 'observe', to: 'hybrid', reason: 'go' }, 'info xlink: mode is hybrid'],
    [
      { type: 'advice', mode: 'hybrid', direction: 'stay', ready: false, blockers: 2, clients: states },
      'info xlink: advice of the migration plan',
    ],
    [{ type: 'enrollment', client: 'ada', did: 'did:key:z6Mk' }, 'info xlink: identity enrolled'],
    [{ type: 'key-switch', client: 'ada', off: true }, 'info xlink: client switched its key'],
    [{ type: 'downgrade', client: 'ada', refused: false }, 'warn xlink: client used its key again'],
  ])('%j', (event, expected) => {
    const { observe, lines, written } = logged();
    observe(event);
    expect(written()).toEqual([expected]);
    expect(lines[0]!.xlink).toEqual(event);
    expect(Object.keys(lines[0]!).toSorted()).toEqual(['level', 'msg', 'time', 'xlink']);
  });

  test('members that nobody has looked at are left out', () => {
    const { observe, lines } = logged();
    observe({ ...request(), apiKey: 'k' } as never);
    expect(lines[0]!.xlink).toEqual(request());
  });

  test('ids are left out if so wanted, and cut if they are endless', () => {
    const who = { client: 'a'.repeat(100_000), did: 'did:key:z6Mk' };
    const all = logged();
    all.observe(request(who));
    expect(all.lines[0]!.xlink).toMatchObject({ client: 'a'.repeat(256), did: who.did });
    const none = logged({ identities: false });
    none.observe(request(who));
    none.observe({
      type: 'advice',
      mode: 'hybrid',
      direction: 'stay',
      ready: true,
      blockers: 0,
      clients: { moved: 1 } as never,
    });
    expect(none.lines[0]!.xlink).toEqual(request());
    expect(none.lines[1]!.xlink.clients).toEqual({ moved: 1 });
  });
});

describe('a fault', () => {
  const SECRET = 'postgres://u:pw-canary@db/x';
  const driver = Object.assign(new Error(`connect ${SECRET}`), { code: 'ECONNREFUSED' });
  const fault = (cause: unknown): XlinkEvent => ({
    type: 'fault',
    traceId: 'a'.repeat(32),
    error: xlinkError('LOOKUP_FAILED', { cause }),
  });

  test('is written with code, message, stack and the names and codes of its causes', () => {
    const { observe, lines, written } = logged();
    observe(fault(Object.assign(new TypeError('x', { cause: driver }), { code: 'not a code at all' })));
    expect(written()).toEqual(['error xlink: fault, LOOKUP_FAILED']);
    expect(lines[0]!.xlink).toEqual({ type: 'fault', traceId: 'a'.repeat(32) });
    expect(lines[0]!.err).toMatchObject({
      type: 'XlinkRegistryError',
      name: 'XlinkRegistryError',
      code: 'LOOKUP_FAILED',
      message: 'The trust registry could not be asked. Try again; see `cause`.',
      hint: 'Nothing is accepted while the registry is down; see `cause` and adapter.health().',
      stack: expect.stringContaining('XlinkRegistryError: The trust registry'),
      causes: [{ name: 'TypeError' }, { name: 'Error', code: 'ECONNREFUSED' }],
    });
    expect(inspect(lines, { depth: 20 })).not.toContain('pw-canary');
  });

  test('shows what causes say only if asked to', () => {
    const { observe, lines } = logged({ exposeCauses: true });
    observe(fault(driver));
    expect(lines[0]!.err!.causes).toEqual([
      { name: 'Error', code: 'ECONNREFUSED', message: `connect ${SECRET}` },
    ]);
  });

  test.each<[unknown, unknown[]]>([
    [SECRET, [{ name: 'string' }]],
    [null, []],
    [7, [{ name: 'number' }]],
    [{ name: SECRET, code: SECRET }, [{ name: 'object' }]],
    [
      new Proxy(
        {},
        {
          get: () => {
            throw new Error(SECRET);
          },
        },
      ),
      [{ name: 'object' }],
    ],
    [new AggregateError([driver], SECRET), [{ name: 'AggregateError' }]],
  ])('survives the cause %#', (cause, causes) => {
    const { observe, lines } = logged();
    observe(fault(cause));
    expect(lines[0]!.err!.causes).toEqual(causes);
    expect(inspect(lines, { depth: 20 })).not.toContain('pw-canary');
  });

  test('whose causes go in a circle is cut', () => {
    const { observe, lines } = logged();
    const one = new Error('1');
    one.cause = one;
    observe(fault(one));
    expect(lines[0]!.err!.causes).toHaveLength(5);
  });
});

describe('a flood', () => {
  test('of one reason is cut to so many lines a second, counted, and hides no other', () => {
    const { observe, clock, lines, written } = logged({ linesPerSecond: 3 });
    for (let i = 0; i < 1000; i++) observe(refused('API_KEY_INVALID'));
    observe(refused('REPLAY_DETECTED', 409));
    observe({ type: 'mode', to: 'hybrid' });
    observe(request());
    expect(written()).toEqual([
      ...Array(3).fill('info xlink: request refused, API_KEY_INVALID'),
      'info xlink: request refused, REPLAY_DETECTED',
      'info xlink: mode is hybrid',
      'debug xlink: request accepted',
    ]);
    clock.advance(1000);
    observe(request());
    expect(written().slice(6)).toEqual(['warn xlink: lines left out', 'debug xlink: request accepted']);
    expect(lines[6]!.xlink).toEqual({ type: 'suppressed', kind: 'request API_KEY_INVALID', suppressed: 997 });
    observe(refused('API_KEY_INVALID'));
    expect(lines).toHaveLength(9);
  });

  test('of requests that are accepted is what the application wants to see', () => {
    const { observe, lines } = logged({ linesPerSecond: 1 });
    for (let i = 0; i < 50; i++) observe(request());
    expect(lines).toHaveLength(50);
  });

  test('is cut by default, also when the clock goes backwards', () => {
    const { observe, clock, lines } = logged();
    for (let i = 0; i < 100; i++) observe({ type: 'downgrade', client: `c${i}`, refused: true });
    expect(lines).toHaveLength(5);
    clock.advance(-60_000);
    observe({ type: 'downgrade', client: 'x', refused: true });
    expect(lines).toHaveLength(7);
  });
});

test('options are checked', async () => {
  const logger = pino({ enabled: false });
  for (const [given, options, field] of [
    [undefined, {}, 'logger'],
    [console.log, {}, 'logger'],
    [{ info() {} }, {}, 'logger'],
    [logger, { linePerSecond: 1 }, 'linePerSecond'],
    [logger, { linesPerSecond: 0 }, 'linesPerSecond'],
    [logger, { exposeCauses: 'yes' }, 'exposeCauses'],
    [logger, { clock: 5 }, 'clock'],
  ] as [never, never, string][]) {
    const { id, field: named } = await thrownBy(() => logObserver(given, options));
    expect([id, named]).toEqual(['INVALID_OPTION', field]);
  }
});
