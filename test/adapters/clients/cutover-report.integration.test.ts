import { describe, expect, test } from '@jest/globals';
import {
  type ClientRecord,
  type CutoverState,
  formatReport,
  type ReportOptions,
  type XlinkEvent,
} from '@private.me/xlink';
import { cutoverReport } from '../../../src/adapters/clients/cutover-report.js';
import { DAY, HOUR, MINUTE, NOON } from '../../support/clock.js';
import { ACME, BOLT } from '../../support/http.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { enrollment, sealed, withKey } from '../requests.js';

const NOW = NOON;
const NO_ID = '(no client id)';
const record = (more: Partial<ClientRecord> = {}): ClientRecord => ({
  client: 'acme',
  dids: ['did:key:a'],
  keyRequests: 0,
  xlinkRequests: 0,
  failures: {},
  ...more,
});
const reportOf = (records: ClientRecord[], options?: ReportOptions) => cutoverReport(records, NOW, options);
const verdictOf = (more: Partial<ClientRecord>, options?: ReportOptions) => {
  const [client] = reportOf([record(more)], options).clients;
  return [client!.safeToSwitch, client!.reason];
};

const NOT_ENROLLED = [false, 'has not enrolled an identity'];
const NEVER_USED = [false, 'is enrolled but has never used xLink'];
const FAILED = [false, 'failed at its last xLink request'];
const NOT_RECENT = [false, 'has not used xLink recently'];
const SWITCHED_OFF = [true, 'has switched its own key off and works on xLink'];
const STILL = [false, 'still used its key recently'];
const WORKS = [true, 'works on xLink and no longer uses its key'];

describe('the verdict on a client', () => {
  test.each([
    ['nothing is known', { dids: [] }, NOT_ENROLLED],
    ['it only uses its key', { dids: [], lastKeyUse: NOW }, NOT_ENROLLED],
    ['it has switched its key off and cannot do anything else', { dids: [], keyOffSince: NOW }, NOT_ENROLLED],
    ['it is enrolled', {}, NEVER_USED],
    ['it is enrolled and has failed', { lastFailure: NOW }, NEVER_USED],
    ['it is enrolled and its key is off', { keyOffSince: NOW }, NEVER_USED],
    ['it was registered by the operator and works', { dids: [], lastXlinkUse: NOW }, WORKS],
    ['its last request failed', { lastXlinkUse: NOW - 2, lastFailure: NOW - 1 }, FAILED],
    [
      'its last request failed and its key is off',
      { lastXlinkUse: 1, lastFailure: 2, keyOffSince: NOW },
      FAILED,
    ],
    ['a request failed before', { lastXlinkUse: NOW, lastFailure: NOW - 1 }, WORKS],
    ['a request failed in the same millisecond', { lastXlinkUse: NOW, lastFailure: NOW }, WORKS],
    ['it worked seven days ago', { lastXlinkUse: NOW - 7 * DAY }, WORKS],
    ['it worked before that', { lastXlinkUse: NOW - 7 * DAY - 1 }, NOT_RECENT],
    ['it worked before that and its key is off', { lastXlinkUse: 1, keyOffSince: NOW }, NOT_RECENT],
    ['its key is off', { lastXlinkUse: NOW, lastKeyUse: NOW, keyOffSince: NOW - 1 }, SWITCHED_OFF],
    ['its key was used now', { lastXlinkUse: NOW, lastKeyUse: NOW }, STILL],
    ['its key was used within a day', { lastXlinkUse: NOW, lastKeyUse: NOW - DAY + 1 }, STILL],
    ['its key was used a day ago', { lastXlinkUse: NOW, lastKeyUse: NOW - DAY }, WORKS],
    ['it has never used its key', { lastXlinkUse: NOW }, WORKS],
  ])('%s', (_, more, verdict) => {
    expect(verdictOf(more)).toEqual(verdict);
  });

  test('quietMs and recentMs say what recently means', () => {
    const options = { quietMs: HOUR, recentMs: MINUTE };
    expect(verdictOf({ lastXlinkUse: NOW - MINUTE, lastKeyUse: NOW - HOUR }, options)).toEqual(WORKS);
    expect(verdictOf({ lastXlinkUse: NOW - MINUTE - 1 }, options)).toEqual(NOT_RECENT);
    expect(verdictOf({ lastXlinkUse: NOW, lastKeyUse: NOW - HOUR + 1 }, options)).toEqual(STILL);
    expect(verdictOf({ lastXlinkUse: NOW, lastKeyUse: NOW }, { quietMs: 0 })).toEqual(WORKS);
  });
});

describe('the state of a client', () => {
  test.each<[CutoverState, Partial<ClientRecord>]>([
    ['not-enrolled', { dids: [], lastKeyUse: NOW }],
    ['never-used-xlink', {}],
    ['failing', { lastXlinkUse: 1, lastFailure: 2 }],
    ['not-recent', { lastXlinkUse: 1 }],
    ['key-in-use', { lastXlinkUse: NOW, lastKeyUse: NOW }],
    ['key-switched-off', { lastXlinkUse: NOW, lastKeyUse: NOW, keyOffSince: NOW }],
    ['moved', { lastXlinkUse: NOW }],
  ])('%s', (state, more) => {
    expect(reportOf([record(more)]).clients[0]!.state).toBe(state);
  });
});

describe('the report', () => {
  const works = record({ client: 'bolt', xlinkRequests: 2, lastXlinkUse: NOW - HOUR, keyRequests: 9 });
  const lags = record({
    client: 'acme',
    dids: [],
    keyRequests: 5,
    lastKeyUse: NOW - MINUTE,
    failures: { API_KEY_BROWNOUT: 3 },
  });

  test('is plain JSON with ISO times, sorted by client', () => {
    const report = reportOf([works, lags, record({ client: 'cask', keyOffSince: 0, lastXlinkUse: NOW })]);
    expect(JSON.parse(JSON.stringify(report))).toEqual({
      generatedAt: '2025-01-01T12:00:00.000Z',
      safeToSwitch: false,
      clients: [
        {
          client: 'acme',
          dids: [],
          keyRequests: 5,
          xlinkRequests: 0,
          lastKeyUse: '2025-01-01T11:59:00.000Z',
          failures: { API_KEY_BROWNOUT: 3 },
          keySwitchedOff: false,
          safeToSwitch: false,
          state: 'not-enrolled',
          reason: 'has not enrolled an identity',
        },
        {
          client: 'bolt',
          dids: ['did:key:a'],
          keyRequests: 9,
          xlinkRequests: 2,
          lastXlinkUse: '2025-01-01T11:00:00.000Z',
          failures: {},
          keySwitchedOff: false,
          safeToSwitch: true,
          state: 'moved',
          reason: 'works on xLink and no longer uses its key',
        },
        {
          client: 'cask',
          dids: ['did:key:a'],
          keyRequests: 0,
          xlinkRequests: 0,
          lastXlinkUse: '2025-01-01T12:00:00.000Z',
          failures: {},
          keySwitchedOff: true,
          safeToSwitch: true,
          state: 'key-switched-off',
          reason: 'has switched its own key off and works on xLink',
        },
      ],
    });
  });

  test('is safe if every client is, and not if there is none', () => {
    expect(reportOf([works]).safeToSwitch).toBe(true);
    expect(reportOf([works, lags]).safeToSwitch).toBe(false);
    expect(reportOf([]).safeToSwitch).toBe(false);
  });

  test('leaves the list it was given as it was', () => {
    const records = [works, lags];
    reportOf(records);
    expect(records).toEqual([works, lags]);
  });
});

describe('the table', () => {
  const lines = (records: ClientRecord[]) => formatReport(reportOf(records)).split('\n');

  test('of three clients', () => {
    expect(
      lines([
        record({
          client: 'bolt',
          keyRequests: 1204,
          xlinkRequests: 88_000,
          lastKeyUse: NOW - 2 * DAY,
          lastXlinkUse: NOW,
        }),
        record({ client: 'acme', dids: [], keyRequests: 5, lastKeyUse: NOW, failures: { A: 3, B: 4 } }),
        record({ client: 'Café Zoë', lastXlinkUse: NOW - MINUTE, xlinkRequests: 1 }),
      ]),
    ).toEqual([
      'client    key   xLink  last key use      last xLink use    failed  safe',
      '--------  ----  -----  ----------------  ----------------  ------  ----',
      'acme      5     0      2025-01-01 12:00  -                 7       no',
      '  has not enrolled an identity',
      'bolt      1204  88000  2024-12-30 12:00  2025-01-01 12:00  0       yes',
      '  works on xLink and no longer uses its key',
      'Café Zoë  0     1      -                 2025-01-01 11:59  0       yes',
      '  works on xLink and no longer uses its key',
      '',
      '2 of 3 safe to switch at 2025-01-01T12:00:00.000Z: not yet',
    ]);
  });

  test('of nobody, and of everybody', () => {
    expect(lines([])).toEqual([
      'client  key  xLink  last key use  last xLink use  failed  safe',
      '------  ---  -----  ------------  --------------  ------  ----',
      '',
      '0 of 0 safe to switch at 2025-01-01T12:00:00.000Z: not yet',
    ]);
    expect(lines([record({ lastXlinkUse: NOW })]).at(-1)).toBe(
      '1 of 1 safe to switch at 2025-01-01T12:00:00.000Z: keys can go',
    );
  });

  test('is no wider than 100 columns, with long names, large numbers and every reason', () => {
    const did = `did:key:z6Mk${'x'.repeat(44)}`;
    const busy = { keyRequests: 999_999, xlinkRequests: 999_999, lastKeyUse: NOW, failures: { A: 999_999 } };
    const table = lines([
      record({ ...busy, client: did, lastXlinkUse: NOW }),
      record({
        ...busy,
        client: '6f1c1f2e-2f4f-4d3b-9d58-0d7c3f0a1b2c',
        lastXlinkUse: NOW,
        keyOffSince: NOW,
      }),
      record({ ...busy, client: 'x'.repeat(500), lastXlinkUse: 1 }),
    ]);
    for (const line of table) expect([line, line.length <= 100]).toEqual([line, true]);
    expect(table.join('\n')).toContain(`did:key:z6Mk${'x'.repeat(19)}…`);
    const columns = table.filter((line) => /(yes|no)$/.test(line)).map((line) => line.search(/(yes|no)$/));
    expect(new Set(columns).size).toBe(1);
  });

  test.each([
    ['ANSI colors', '\x1b[31mred\x1b[0m', '?[31mred?[0m'],
    ['an ANSI sequence of one character', '\x9b2J', '?2J'],
    ['a title and a bell', '\x1b]0;owned\x07', '?]0;owned?'],
    ['line breaks', 'a\r\nb\u2028c\u2029d\x85e', 'a??b?c?d?e'],
    ['tabs, backspaces, deletes', 'a\tb\bc\x7fd', 'a?b?c?d'],
    ['text that runs backwards', 'a\u202eon\u2066b\u200f', 'a?on?b?'],
    ['characters without width', 'a\u200bb\ufeffc\u00add', 'a?b?c?d'],
    ['half a character', 'a\ud83d', 'a?'],
    ['a whole one', 'a😀', 'a😀'],
  ])('hostile client ids: %s', (_, client, shown) => {
    const table = formatReport(reportOf([record({ client, lastXlinkUse: NOW })]));
    expect(table.split('\n')).toHaveLength(6);
    expect(table.split('\n')[2]).toMatch(new RegExp(`^${shown.replace(/[?[\]]/g, '\\$&')} +0 `));
  });

  test('a long id is not cut in the middle of a character', () => {
    const table = formatReport(reportOf([record({ client: '😀'.repeat(40) })]));
    expect(table.split('\n')[2]).toMatch(/^(😀){31}… /u);
  });
});

describe('adapter.report()', () => {
  test('follows a client from its key to xLink', async () => {
    const world = new World();
    const { clock, clients } = world;
    const api = await world.agent('api');
    const service = await world.serve({ agent: api, clock, clients });
    const device = await world.stranger('device');
    const now = async () => {
      await service.quiet();
      const { safeToSwitch, clients: found } = await service.adapter.report();
      return [safeToSwitch, found.map(({ client, reason }) => `${client} ${reason}`)];
    };

    expect(await now()).toEqual([false, []]);
    await service.accepted(withKey(ACME));
    expect(await now()).toEqual([false, ['acme has not enrolled an identity']]);
    await service.send(enrollment(device, api, ACME));
    expect(await now()).toEqual([false, ['acme is enrolled but has never used xLink']]);
    await service.refused(sealed(device, api, {}, { scope: 'refunds' }), '403 SCOPE_DENIED');
    clock.advance(1);
    await service.accepted(sealed(device, api, {}, { scope: 'orders:read' }));
    expect(await now()).toEqual([false, ['acme still used its key recently']]);
    clock.advance(1);
    await service.refused(sealed(device, api, {}, { scope: 'refunds' }), '403 SCOPE_DENIED');
    expect(await now()).toEqual([false, ['acme failed at its last xLink request']]);
    clock.advance(DAY);
    await service.accepted(sealed(device, api, {}, { scope: 'orders:read' }));
    expect(await now()).toEqual([true, ['acme works on xLink and no longer uses its key']]);
    await service.accepted(withKey(BOLT));
    expect((await now())[0]).toBe(false);
    clock.advance(8 * DAY);
    expect(await now()).toEqual([
      false,
      ['acme has not used xLink recently', 'bolt has not enrolled an identity'],
    ]);
    expect((await service.adapter.report({ recentMs: 30 * DAY })).clients[0]?.safeToSwitch).toBe(true);
  });

  test('keys whose client nobody named stand in a row of their own, and hold the switch back', async () => {
    const world = new World();
    const { clock, clients } = world;
    const service = await world.serve({
      agent: await world.agent('api'),
      clock,
      clients,
      legacyKeyValidator: (key) => (key === ACME || key === BOLT ? { name: 'nobody' } : null),
    });
    await service.accepted(withKey(ACME));
    await service.accepted(withKey(BOLT));
    await service.refused(withKey('another'), '401 API_KEY_INVALID');
    await service.quiet();
    const { safeToSwitch, clients: rows } = await service.adapter.report();
    expect(safeToSwitch).toBe(false);
    expect(rows).toMatchObject([
      { client: '(no client id)', keyRequests: 2, failures: {}, reason: expect.stringContaining('clientId') },
    ]);
  });

  test('that row goes by an act of the operator, which ends keys that still come without a name', async () => {
    const world = new World();
    const { clock, clients } = world;
    const events: XlinkEvent[] = [];
    const service = await world.serve({
      agent: await world.agent('api'),
      clock,
      clients,
      legacyKeyValidator: (key) => (key === ACME || key === BOLT ? { name: key === ACME ? 'a' : '' } : null),
      clientId: ({ name }) => (name as string) || undefined,
      observers: [(event) => void events.push(event)],
    });
    await service.accepted(withKey(BOLT));
    await service.quiet();
    expect((await service.adapter.report()).clients).toMatchObject([
      { safeToSwitch: false, reason: expect.stringContaining('revokeClient') },
    ]);
    await service.adapter.revokeClient(NO_ID, { reason: 'all have names now', by: 'mia' });
    expect(events).toContainEqual({
      type: 'operation',
      operation: 'revoke-client',
      target: NO_ID,
      by: 'mia',
      why: 'all have names now',
    });
    expect(await service.adapter.report()).toMatchObject({
      safeToSwitch: true,
      clients: [{ client: NO_ID, state: 'revoked', safeToSwitch: true, reason: 'has been revoked' }],
    });
    await service.refused(withKey(BOLT), '403 CLIENT_REVOKED');
    await service.accepted(withKey(ACME));
    await service.adapter.restoreClient(NO_ID);
    await service.accepted(withKey(BOLT));
  });

  test('a refused key is still a key that somebody uses', async () => {
    const world = new World();
    const { clock, clients } = world;
    const service = await world.serve({
      agent: await world.agent('api'),
      clock,
      clients,
      mode: 'xlink-only',
    });
    await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
    await service.quiet();
    const [client] = (await service.adapter.report()).clients;
    expect(client).toMatchObject({
      client: 'acme',
      keyRequests: 0,
      lastKeyUse: '2025-01-01T12:00:00.000Z',
      failures: { XLINK_REQUIRED: 1 },
    });
  });

  test('holds ids, counts and times, and no key', async () => {
    const world = new World();
    const service = await world.serve({
      agent: await world.agent('api'),
      clock: world.clock,
      clients: world.clients,
    });
    await service.accepted(withKey(ACME));
    await service.quiet();
    const report = await service.adapter.report();
    expect(JSON.stringify(report) + formatReport(report)).not.toContain(ACME);
  });

  test('needs clients', async () => {
    const world = new World();
    const service = await world.serve({ agent: await world.agent('api'), clock: world.clock });
    expect(await optionRefusedBy(() => service.adapter.report())).toBe('clients');
    expect(await optionRefusedBy(() => service.adapter.clientRecords())).toBe('clients');
  });
});
