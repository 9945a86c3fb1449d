import { describe, expect, test } from '@jest/globals';
import { type ClientRecord, MemoryClientStore } from '@private.me/xlink';
import { ClientDirectory } from '../../src/dashboard/client-directory.js';
import { exportClients } from '../../src/dashboard/client-export.js';
import { Snapshots } from '../../src/dashboard/snapshots.js';
import { ALL_CLIENTS, type ClientsQuery, clientsQuery } from '../../src/dashboard/view-query.js';
import { DAY, frozenClock, HOUR, NOON } from '../support/clock.js';
import { adapterOf, clientRecord, requestEvent } from './support.js';

const HOSTILE = [
  '=cmd()',
  '+1+1',
  '-2',
  '@SUM(A1)',
  ' =1',
  '\t=1',
  '\r=1',
  '＝1',
  'a,"b"',
  'line\nbreak',
  '\u202Egro.evil',
];

async function directoryOf(records: readonly ClientRecord[]): Promise<ClientDirectory> {
  const clock = frozenClock();
  const adapter = await adapterOf({ clients: new MemoryClientStore(records), clock });
  return ClientDirectory.of(await adapter.report());
}

const DIRECTORY = directoryOf([
  clientRecord('moved', {
    dids: ['d'],
    lastXlinkUse: NOON - HOUR,
    xlinkRequests: 9,
    lastKeyUse: NOON - 3 * DAY,
  }),
  clientRecord('key-only', { lastKeyUse: NOON - HOUR, keyRequests: 5 }),
  clientRecord('broken', {
    dids: ['d'],
    lastXlinkUse: NOON - HOUR,
    lastFailure: NOON,
    failures: { REPLAY_DETECTED: 3, API_KEY_INVALID: 1 },
  }),
  clientRecord('Silent', { dids: ['d'], keyRequests: 7, lastKeyUse: NOON - 2 * HOUR }),
]);

describe('the table', () => {
  test.each<[Partial<ClientsQuery>, string[]]>([
    [{}, ['broken', 'key-only', 'Silent', 'moved']],
    [{ descending: true }, ['moved', 'Silent', 'key-only', 'broken']],
    [{ sort: 'name' }, ['broken', 'key-only', 'moved', 'Silent']],
    [{ sort: 'keyRequests', descending: true }, ['Silent', 'key-only', 'moved', 'broken']],
    [{ sort: 'xlinkRequests', descending: true, state: 'ready' }, ['moved']],
    [{ sort: 'failures', descending: true, state: 'failing' }, ['broken']],
    [{ sort: 'lastKeyUse' }, ['broken', 'moved', 'Silent', 'key-only']],
    [{ sort: 'lastXlinkUse', state: 'not-ready', search: 'S' }, ['Silent']],
    [{ state: 'revoked' }, []],
    [{ search: 'nobody' }, []],
  ])('%j', async (query, expected) => {
    const { rows, matching, total, waiting } = (await DIRECTORY).view({ ...ALL_CLIENTS, ...query });
    expect(rows.map(({ name }) => name)).toEqual(expected);
    expect([matching, total]).toEqual([expected.length, 4]);
    expect(waiting.map(({ name }) => name)).toEqual(['broken', 'key-only', 'Silent']); // whatever is looked at
  });

  test('is shown page by page; a page that is not there is the last one', async () => {
    const directory = await directoryOf(Array.from({ length: 250 }, (_, i) => clientRecord(`client-${i}`)));
    const at = (page: number) => {
      const { rows, pages, page: shown } = directory.view({ ...ALL_CLIENTS, page });
      return [rows.length, pages, shown];
    };
    expect([at(1), at(3), at(999)]).toEqual([
      [100, 3, 1],
      [50, 3, 3],
      [50, 3, 3],
    ]);
  });

  test('finds each client by what stands in its link, however odd its id is', async () => {
    const ids = [
      ...HOSTILE,
      'x'.repeat(10_000),
      'x'.repeat(10_001),
      'half \uD800',
      '',
      '__proto__',
      'sha256:mine',
    ];
    const directory = await directoryOf(ids.map((id) => clientRecord(id)));
    for (const id of ids) {
      const named = directory.idOf(id);
      expect(named.length).toBeLessThanOrEqual(200);
      expect(directory.find(new URLSearchParams([['client', named]]).get('client')!)?.client).toBe(id);
    }
    expect(directory.find('nobody')).toBeUndefined();
  });
});

describe('what is not understood in an address', () => {
  test.each([
    ['', ALL_CLIENTS],
    [
      'sort=name&order=desc&state=moved&page=3&search=a&client=b',
      { search: 'a', sort: 'name', descending: true, state: 'moved', page: 3, client: 'b' },
    ],
    ['sort=__proto__&order=up&state=constructor&page=-1&client=', ALL_CLIENTS],
    ['page=1e9', ALL_CLIENTS],
    ['page=0', ALL_CLIENTS],
    ['page=9999999', { ...ALL_CLIENTS, page: 1_000_000 }],
    ['page=99999999', ALL_CLIENTS],
    [`search=${'x'.repeat(9999)}`, { ...ALL_CLIENTS, search: 'x'.repeat(200) }],
    [`client=${'x'.repeat(9999)}`, { ...ALL_CLIENTS, client: 'x'.repeat(300) }],
    ['sort=name&sort=state&search=%F0%90%80', { ...ALL_CLIENTS, sort: 'name', search: '\uFFFD' }],
  ])('%s', (text, expected) => expect(clientsQuery(new URLSearchParams(text))).toEqual(expected));
});

describe('the export', () => {
  test('holds all that match, in the order that is shown', async () => {
    const query = { ...ALL_CLIENTS, state: 'not-ready' as const };
    const { body, name, type } = exportClients(await DIRECTORY, query, 'csv');
    expect(name).toBe('xlink-clients-2025-01-01.csv');
    expect(type).toBe('text/csv; charset=utf-8; header=present');
    expect(body).toBe(
      [
        'client,ready,state,reason,key_requests,xlink_requests,signature_requests,failures,last_key_use,last_xlink_use,key_switched_off,revoked_since,failures_by_reason,dids',
        'broken,no,failing,failed at its last xLink request,0,0,0,4,,2025-01-01T11:00:00.000Z,no,,"REPLAY_DETECTED 3; API_KEY_INVALID 1",d',
        'key-only,no,not-enrolled,has not enrolled an identity,5,0,0,0,2025-01-01T11:00:00.000Z,,no,,,',
        'Silent,no,never-used-xlink,is enrolled but has never used xLink,7,0,0,0,2025-01-01T10:00:00.000Z,,no,,,d',
        '',
      ].join('\r\n'),
    );
    const { clients } = JSON.parse(exportClients(await DIRECTORY, query, 'json').body);
    expect(clients.map(({ client }: { client: string }) => client)).toEqual(['broken', 'key-only', 'Silent']);
  });

  test('makes no formula of a name', async () => {
    const directory = await directoryOf(HOSTILE.map((id) => clientRecord(id)));
    const { body } = exportClients(directory, ALL_CLIENTS, 'csv');
    const names = [...body.matchAll(/(?:^|\r\n)("(?:[^"]|"")*"|[^,]*),no,/g)].map(([, field]) =>
      field!.startsWith('"') ? field!.slice(1, -1).replaceAll('""', '"') : field!,
    );
    expect(names).toHaveLength(HOSTILE.length);
    for (const name of names) expect(name).not.toMatch(/^\s*[=+\-@\t\r＝]/);
    expect(names).toEqual(
      expect.arrayContaining(["'=cmd()", "'+1+1", "'-2", "'@SUM(A1)", 'a,"b"', 'line\nbreak']),
    );
  });
});

describe('a client that is opened', () => {
  test('with what it did by route, why it was refused and what happened to it', async () => {
    const clock = frozenClock();
    const clients = new MemoryClientStore([
      clientRecord('acme', {
        dids: Array.from({ length: 30 }, (_, i) => `did:key:z6Mk${i}`),
        failures: { REPLAY_DETECTED: 2, 'not an error': 5 },
        lastXlinkUse: NOON - HOUR,
      }),
    ]);
    const adapter = await adapterOf({ clients, clock });
    const snapshots = new Snapshots(adapter, { clock });
    const at = (route: string, method: 'xlink' | 'api-key', reason: 'ok' | 'REPLAY_DETECTED' = 'ok') =>
      adapter.emit({ ...requestEvent(method, reason), client: 'acme', route });
    for (let i = 0; i < 3; i++) at('/orders/:id', 'api-key');
    at('/orders/:id', 'xlink', 'REPLAY_DETECTED');
    clock.advance(1000);
    at('/orders', 'xlink');
    adapter.setMode('xlink-only', 'asked for\u202E it', { client: 'acme' });
    const { client } = await snapshots.snapshot({ ...ALL_CLIENTS, client: 'acme' });
    expect(client).toMatchObject({
      row: { id: 'acme', state: 'moved' },
      mode: 'xlink-only',
      moreDids: 10,
      failures: [
        { reason: 'INTERNAL', count: 5 },
        {
          reason: 'REPLAY_DETECTED',
          count: 2,
          hint: expect.stringContaining('xlinkFetch makes a new envelope'),
        },
      ],
      routes: [
        { route: '/orders/:id', key: 3, xlink: 0, refused: 1, lastKeyUse: NOON },
        { route: '/orders', key: 0, xlink: 1, refused: 0, lastXlinkUse: NOON + 1000 },
      ],
      timeline: [
        { at: NOON + 1000, text: 'Own mode hybrid → xlink-only: asked for\uFFFD it' },
        { at: NOON - HOUR, text: 'Last use of xLink' },
      ],
    });
    expect((await snapshots.snapshot({ ...ALL_CLIENTS, client: 'nobody' })).client).toBe('unknown');
  });

  test('has a dozen routes and thirty moments at most, however much it does', async () => {
    const adapter = await adapterOf({ clients: new MemoryClientStore([clientRecord('acme')]) });
    const snapshots = new Snapshots(adapter, {});
    for (let i = 0; i < 500; i++) {
      adapter.emit({ ...requestEvent('xlink'), client: 'acme', route: `/r/${i}` });
      adapter.emit({ type: 'key-switch', client: 'acme', off: i % 2 === 0 });
    }
    const { client } = await snapshots.snapshot({ ...ALL_CLIENTS, client: 'acme' });
    if (typeof client !== 'object') throw new Error('not opened');
    expect(client.routes).toHaveLength(13);
    expect(client.routes[0]).toMatchObject({ route: '(other routes)', xlink: 488 });
    expect(client.timeline).toHaveLength(30);
  });
});

test('marks: mode changes, brownouts also when they are over, and new keys; each once', async () => {
  const clock = frozenClock();
  const adapter = await adapterOf({ clock });
  const snapshots = new Snapshots(adapter, { clock, refreshMs: 100 });
  const marks = async () => (await snapshots.snapshot(ALL_CLIENTS)).marks;
  adapter.scheduleBrownout({ from: new Date(NOON + HOUR), until: new Date(NOON + 2 * HOUR) });
  expect(await marks()).toHaveLength(1);
  clock.advance(3 * HOUR);
  adapter.setMode('xlink-only', 'all moved');
  adapter.setMode('hybrid', undefined, { route: { path: '/old' } });
  adapter.emit({ type: 'key-epoch', keyEpoch: 2, since: NOON + 10, rotatesAt: NOON + DAY });
  expect(await marks()).toEqual([
    { kind: 'rotation', at: NOON + 10, text: 'New encryption keys, epoch 2' },
    {
      kind: 'brownout',
      at: NOON + HOUR,
      until: NOON + 2 * HOUR,
      text: 'Brownout: keys are refused while the mode is deprecation',
    },
    { kind: 'mode', at: NOON + 3 * HOUR, text: 'Mode hybrid → xlink-only: all moved' },
    { kind: 'mode', at: NOON + 3 * HOUR, text: 'Mode xlink-only → hybrid for /old' },
  ]);
  for (let i = 0; i < 300; i++) {
    clock.advance(1000);
    adapter.setMode(i % 2 ? 'hybrid' : 'xlink-only');
  }
  expect(await marks()).toHaveLength(100);
});

test('a mode that was stepped over is skipped, not passed', async () => {
  const adapter = await adapterOf();
  const clock = frozenClock();
  const snapshots = new Snapshots(adapter, { clock, refreshMs: 100 });
  const mode = async () => {
    clock.advance(1000);
    return (await snapshots.snapshot(ALL_CLIENTS)).mode;
  };
  adapter.setMode('xlink-only');
  expect(await mode()).toMatchObject({ passed: ['hybrid', 'xlink-only'], skipped: ['deprecation'] });
  adapter.setMode('deprecation');
  expect(await mode()).toMatchObject({ passed: ['hybrid', 'deprecation', 'xlink-only'], skipped: [] });
});
