import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RedisNonceStore, type XlinkWarning } from '@private.me/xlink';
import { redisClientOptions } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { FULL } from '../../scale/scale.js';
import { atOnce } from '../../support/at-once.js';
import { printed } from '../../support/console.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { CLIENTS, CLUSTERS } from './clients.js';
import { quietly } from './nonce-clients.js';
import { callsOf } from './stores.js';

/** Longer than `socketTimeout`, so that connections are given up and begun anew while nothing answers. */
const CUT_MS = FULL ? 20_000 : 8000;
/** A connection that was begun just before the end is given up after 5 s. */
const BACK_MS = 5500;
const RECOMMENDED = Object.entries(CLIENTS).filter(([name]) => name.endsWith('as recommended'));

describeWithRedis('a network that is cut without a word', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  /** From the end of the cut to the first answer, in ms; it is asked all the time, as an API under load does. */
  async function backAfter(make: (typeof CLIENTS)[string]): Promise<number> {
    const proxy = await TcpProxy.start(server.port);
    const [accept] = callsOf('RedisNonceStore', make(proxy.port), { timeoutMs: 250 });
    const accepts = () => accept![1]().catch(() => false);
    while (!(await accepts())) await pause(20);
    proxy.lose();
    const healing = pause(CUT_MS).then(() => {
      proxy.heal();
      return performance.now();
    });
    let isHealed = false;
    void healing.then(() => {
      isHealed = true;
    });
    while (!(isHealed && (await accepts()))) {
      if (!isHealed) await accepts();
      await pause(20);
    }
    return performance.now() - (await healing);
  }

  /** Who dropped a connection that nobody used for longer than `socketTimeout`. */
  async function droppedUnused(): Promise<string[]> {
    const proxy = await TcpProxy.start(server.port);
    const dropped: string[] = [];
    for (const [name, make] of RECOMMENDED) {
      const client = make(proxy.port);
      await callsOf('RedisNonceStore', client)[0]![1]();
      client.on('reconnecting', () => dropped.push(name));
    }
    await pause(redisClientOptions.nodeRedis.socket.socketTimeout + 1500);
    expect(proxy.connections).toBe(2);
    return dropped;
  }

  const timesBack = () => Promise.all(RECOMMENDED.map(([, make]) => backAfter(make)));
  const outcomeOf = atOnce<() => Promise<unknown[]>, unknown[]>([timesBack, droppedUnused], (run) => run());

  test(`[E17] with redisClientOptions, clients are back within 5 s after ${CUT_MS / 1000} s of silence`, async () => {
    expect(RECOMMENDED).toHaveLength(2);
    for (const ms of await outcomeOf(0)) expect(ms).toBeLessThan(BACK_MS);
  }, 60_000);

  test('[E17] with redisClientOptions, a connection that is not used stays', async () => {
    expect(await outcomeOf(1)).toEqual([]);
  });
});

describe('a client without time limits', () => {
  const warningsOf = (client: ConstructorParameters<typeof RedisNonceStore>[0]['client']) => {
    const warnings: XlinkWarning[] = [];
    new RedisNonceStore({ client, onWarning: (warning) => warnings.push(warning) });
    return warnings;
  };

  test.each([
    ['ioredis', ['socketTimeout', 'autoResendUnfulfilledCommands: false'], () => CLIENTS['ioredis']!(1)],
    ['nodeRedis', ['socket.socketTimeout', 'pingInterval'], () => createClient()],
    [
      'ioredisCluster',
      ['socketTimeout', 'autoResendUnfulfilledCommands: false'],
      () => CLUSTERS['ioredis']!([]),
    ],
    ['nodeRedis', ['socket.socketTimeout', 'pingInterval'], () => CLUSTERS['node-redis']!([])],
  ])('[E17] is warned of, and told of redisClientOptions.%s', (use, missing, make) => {
    const type = 'redis-client-without-limits';
    expect(warningsOf(make())).toEqual([
      { type, store: 'RedisNonceStore', missing, use: `redisClientOptions.${use}` },
    ]);
  });

  test('[E17] is warned of in the console, once', () => {
    for (const client of [createClient(), createClient()]) new RedisNonceStore({ client });
    expect(printed).toEqual([
      expect.stringMatching(/lacks socket\.socketTimeout and .*redisClientOptions\.nodeRedis/),
    ]);
  });

  test('[E17] is none with redisClientOptions', () => {
    const ioredis = new Redis({ lazyConnect: true, ...redisClientOptions.ioredis }).on('error', quietly);
    expect(warningsOf(ioredis)).toEqual([]);
    expect(warningsOf(createClient(redisClientOptions.nodeRedis))).toEqual([]);
    for (const [name, make] of Object.entries(CLUSTERS))
      if (name.endsWith('as recommended'))
        expect(warningsOf(make([{ host: '127.0.0.1', port: 1 }]))).toEqual([]);
  });
});
