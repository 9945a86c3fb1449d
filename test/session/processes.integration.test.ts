import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { ManagedTrustRegistry } from '@private.me/xlink';
import { PostgresTrustRegistry } from '@private.me/xlink/postgres';
import { RedisTrustRegistry } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Child } from '../scale/child.js';
import { newSession } from '../stores/session-store-conformance.js';
import { seedOf } from '../support/agents.js';
import { BuiltPackage } from '../support/built-package.js';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { RawCaller } from './support.js';

// Instances that are processes of their own, as in production: the package as it is built, in plain Node.

/** From when revoke() has resolved to the answer of the last request of the session that another instance accepts. docs/operations.md says the same. */
const REVOKED_WITHIN_MS = 250;
const RUNS = 5;
const RACERS = 50;

interface Instance {
  readonly child: Child;
  readonly url: string;
}

const BACKENDS = [
  {
    name: 'Redis',
    backend: 'redis',
    describe: describeWithRedis,
    start: () => RedisServer.start(),
    registry(port: number) {
      const client = new Redis({ host: '127.0.0.1', port });
      return { registry: new RedisTrustRegistry({ client, onWarning() {} }), end: () => client.disconnect() };
    },
  },
  {
    name: 'PostgreSQL',
    backend: 'postgres',
    describe: describeWithPostgres,
    start: () => PostgresServer.start(),
    registry(port: number) {
      const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 2 });
      return { registry: new PostgresTrustRegistry({ pool }), end: () => pool.end() };
    },
  },
];

for (const { name, backend, describe, start, registry: registryAt } of BACKENDS) {
  describe(`sessions over processes that share ${name}`, () => {
    let server: RedisServer | PostgresServer;
    let copy: BuiltPackage;
    let program: string;
    let registry: ManagedTrustRegistry;
    let end: () => unknown;
    let instances: Instance[] = [];

    beforeAll(async () => {
      server = await start();
      copy = new BuiltPackage();
      copy.program(new URL('../scale/programs/questions.mjs', import.meta.url));
      program = copy.program(new URL('programs/instance.mjs', import.meta.url));
      ({ registry, end } = registryAt(server.port));
    }, 120_000);
    afterAll(async () => {
      await end?.();
      await server?.stop();
      copy?.remove();
    });
    afterEach(async () => {
      await Promise.all(instances.splice(0).map(({ child }) => child.stop()));
    });

    /** Instances that hear of changes. */
    async function deploy(count: number): Promise<Instance[]> {
      const seed = Buffer.from(seedOf('api of sessions')).toString('hex');
      const settings = { backend, port: server.port, seed };
      instances = await Promise.all(
        Array.from({ length: count }, async () => {
          const [child, url] = await Child.start<string>(program, settings);
          return { child, url };
        }),
      );
      // A cache listens from its first question on.
      for (const { url } of instances) await RawCaller.of(url, registry);
      for (const { child } of instances)
        await until(async () => (await child.ask({ ask: 'feed' })) === 'live');
      return instances;
    }

    test(`a revocation at one ends sessions at the other within ${REVOKED_WITHIN_MS} ms, each time`, async () => {
      const [one, two] = await deploy(2);
      const taken: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const caller = (await RawCaller.of(one!.url, registry)).at(two!.url);
        let lastAccepted = 0;
        let accepted = 0;
        let refusal: string | undefined;
        const hammer = async () => {
          while (refusal === undefined) {
            const { status, code } = await caller.call();
            if (status === 201) {
              accepted += 1;
              lastAccepted = performance.now();
            } else refusal = code;
          }
        };
        const hammering = Promise.all([hammer(), hammer(), hammer()]);
        await until(() => accepted >= 10);
        await one!.child.ask({ ask: 'revoke', did: caller.agent.did });
        const revokedAt = performance.now();
        await hammering;
        expect(refusal).toBe('VERIFICATION_FAILED:DID_REVOKED');
        taken.push(Math.max(0, lastAccepted - revokedAt));
      }
      process.stdout.write(
        `${name}: ${taken.map((ms) => ms.toFixed(0)).join(', ')} ms from revoke to the last request\n`,
      );
      expect(Math.max(...taken)).toBeLessThan(REVOKED_WITHIN_MS);
    });

    test('of 50 copies that reach four processes at once, one is carried out', async () => {
      await deploy(4);
      const caller = await RawCaller.of(instances[0]!.url, registry);
      for (let run = 0; run < 3; run++) {
        const handled = async () =>
          (await Promise.all(instances.map(({ child }) => child.ask<number>({ ask: 'handled' })))).reduce(
            (sum, count) => sum + count,
          );
        const before = await handled();
        const sealed = await caller.seal();
        const copies = Array.from({ length: RACERS }, (_, at) =>
          caller.send(sealed, { url: instances[at % 4]!.url }),
        );
        const codes = (await Promise.all(copies)).map(({ status, code }) => code ?? status);
        expect(codes.filter((code) => code === 201)).toHaveLength(1);
        expect(codes.filter((code) => code === 'REPLAY_DETECTED')).toHaveLength(RACERS - 1);
        expect((await handled()) - before).toBe(1);
      }
    });

    test('of 50 racers in each of four processes, for each of many numbers one wins', async () => {
      await deploy(4);
      const numbers = Array.from({ length: 20 }, (_, at) => at * 3001);
      const use = { ...newSession(), timestamp: Date.now() + 10_000 };
      const wins = await Promise.all(
        instances.map(({ child }) => child.ask<number[]>({ ask: 'claim', use, numbers, racers: RACERS })),
      );
      const perNumber = numbers.map((_, at) => wins.reduce((sum, own) => sum + own[at]!, 0));
      expect(perNumber).toEqual(numbers.map(() => 1));
    });
  });
}
