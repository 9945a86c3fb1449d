import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Agent,
  DualModeAdapter,
  type DualModeOptions,
  MemoryClientStore,
  MemoryNonceStore,
  type NonceStore,
  RedisNonceStore,
  type XlinkEvent,
} from '@private.me/xlink';
import { build } from 'esbuild';
import { fakeClient } from '../stores/redis/nonce-clients.js';
import { printed } from '../support/console.js';
import { thrownBy, unwrap } from '../support/results.js';
import { World } from '../support/world.js';

const ID = 'NONCE_STORE_NOT_SHARED';
const client = fakeClient({});

async function make(options: Partial<DualModeOptions> = {}, nonceStore?: NonceStore) {
  const events: XlinkEvent[] = [];
  const agent = await new World().agent('api', nonceStore ? { nonceStore } : {});
  const adapter = new DualModeAdapter({
    agent,
    legacyKeyValidator: () => null,
    observers: [(event) => void events.push(event)],
    ...options,
  });
  return { adapter, warnings: events.filter(({ type }) => type === 'warning') };
}

describe('several instances that keep nonces in memory', () => {
  test.each(['observe', 'hybrid', 'deprecation'] as const)('are a warning in %s, told once', async (mode) => {
    const { warnings } = await make({ instances: 2, mode });
    expect(warnings).toEqual([
      { type: 'warning', code: ID, message: expect.stringContaining('RedisNonceStore') },
    ]);
    expect(printed).toEqual([]);
  });

  test('are printed where nobody observes', async () => {
    await make({ instances: 2, observers: [] });
    expect(printed).toEqual([expect.stringContaining(ID)]);
  });

  const strict = { path: '/orders', mode: 'xlink-only' } as const;
  test.each([
    ['everything', { mode: 'xlink-only' }],
    ['a route', { mode: 'hybrid', routeModes: [strict] }],
    ['a client', { clientModes: { acme: 'xlink-only' }, clients: new MemoryClientStore() }],
  ] as const)('are an error where %s is xlink-only', async (_, options) => {
    const error = await thrownBy(() => make({ instances: 2, ...options }));
    expect(error).toMatchObject({
      id: ID,
      field: 'nonceStore',
      hint: expect.stringContaining('instances: 1'),
    });
  });

  test('cannot be set to xlink-only, and stay as they were', async () => {
    const { adapter } = await make({ instances: 2, mode: 'deprecation', clients: new MemoryClientStore() });
    for (const target of [{}, { route: { path: '/orders' } }, { client: 'acme' }])
      expect((await thrownBy(() => adapter.setMode('xlink-only', 'time', target))).id).toBe(ID);
    expect(adapter.mode).toBe('deprecation');
    adapter.setMode('hybrid');
    expect(adapter.mode).toBe('hybrid');
  });

  test('are all right with a store that is shared', async () => {
    const { adapter, warnings } = await make(
      { instances: 16, mode: 'xlink-only' },
      new RedisNonceStore({ client }),
    );
    adapter.setMode('hybrid');
    adapter.setMode('xlink-only');
    expect([warnings, printed]).toEqual([[], []]);
  });

  test('of a plain agent, too', async () => {
    const agent = unwrap(await Agent.create({ nonceStore: new MemoryNonceStore() }));
    expect((await thrownBy(() => agent.middleware({ instances: 2 }))).id).toBe(ID);
    agent.middleware();
    expect((await thrownBy(() => agent.middleware({ instances: 0 }))).field).toBe('instances');
  });
});

test('one instance is no reason to worry', async () => {
  const { adapter, warnings } = await make({ mode: 'hybrid' });
  adapter.setMode('xlink-only');
  expect([warnings, printed]).toEqual([[], []]);
});

describe('under PM2', () => {
  afterEach(() => {
    delete process.env['NODE_APP_INSTANCE'];
  });

  test.each([
    ['0', {}, 0],
    ['1', {}, 1],
    ['7', {}, 1],
    ['1', { instances: 1 }, 0],
    ['0', { instances: 2 }, 1],
    ['blue', {}, 0],
  ])('instance %s with %j', async (instance, options, expected) => {
    process.env['NODE_APP_INSTANCE'] = instance;
    expect((await make(options)).warnings).toHaveLength(expected);
  });
});

describe("a worker of Node's cluster", () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'xlink-workers-'));
    const root = fileURLToPath(new URL('../..', import.meta.url));
    await build({
      entryPoints: [join(root, 'src/index.ts')],
      alias: { '#provider': join(root, 'src/crypto/native/index.ts') },
      outfile: join(folder, 'xlink.mjs'),
      ...({ bundle: true, platform: 'node', format: 'esm', logLevel: 'error' } as const),
    });
    writeFileSync(join(folder, 'main.mjs'), MAIN);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is told from a process of its own, and from one that says it is alone', async () => {
    const { stdout } = await promisify(execFile)('node', [join(folder, 'main.mjs')], { timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual({
      primary: { hybrid: 'ok', 'xlink-only': 'ok', alone: 'ok' },
      worker: { hybrid: `warning ${ID}`, 'xlink-only': ID, alone: 'ok' },
    });
  });
});

/** What a primary and its worker find out about themselves. */
const MAIN = `
import cluster from 'node:cluster';
import { Agent, DualModeAdapter } from './xlink.mjs';

const { value: agent } = await Agent.create();
function verdict(options) {
  const warnings = [];
  const observers = [(event) => event.type === 'warning' && warnings.push('warning ' + event.code)];
  try {
    new DualModeAdapter({ agent, legacyKeyValidator: () => null, observers, ...options });
  } catch (error) {
    return error.id;
  }
  return warnings[0] ?? 'ok';
}
const found = {
  hybrid: verdict({ mode: 'hybrid' }),
  'xlink-only': verdict({ mode: 'xlink-only' }),
  alone: verdict({ mode: 'xlink-only', instances: 1 }),
};
if (cluster.isPrimary)
  cluster.fork().on('message', (worker) => console.log(JSON.stringify({ primary: found, worker })));
else process.send(found, () => process.disconnect());
`;
