// Four instances of a service, one store: of any number of answers one counts, and one redeems. In memory, in a file, in Redis, in PostgreSQL.
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore, type OperationsStore } from '@private.me/xlink';
import { FileOperationsStore } from '@private.me/xlink/file';
import { PostgresOperationsStore } from '@private.me/xlink/postgres';
import { RedisOperationsStore, redisClientOptions } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { XlockVerifier } from '../src/index.js';
import { findProgram, startPostgres, startRedis } from './servers.js';
import { afterTest, describeWhere, deviceOf, identityOf, idOf, ORIGIN, temporaryFolder } from './support.js';

type Open = () => Promise<OperationsStore>;

const KINDS: readonly [name: string, program: string | undefined, () => Promise<Open>][] = [
  [
    'memory',
    undefined,
    async () => {
      const store = new MemoryOperationsStore();
      return async () => store;
    },
  ],
  [
    'a file',
    undefined,
    async () => {
      const store = new FileOperationsStore(join(await temporaryFolder(), 'xlock.jsonl'));
      afterTest(() => store.close());
      return async () => store;
    },
  ],
  [
    'Redis',
    'redis-server',
    async () => {
      const { port } = await startRedis();
      return async () => {
        const client = new Redis({ ...redisClientOptions.ioredis, port, host: '127.0.0.1' });
        afterTest(() => client.disconnect());
        return new RedisOperationsStore({ client, keyPrefix: 'xlock:', onWarning: () => {} });
      };
    },
  ],
  [
    'PostgreSQL',
    'initdb',
    async () => {
      const { url } = await startPostgres();
      return async () => {
        const pool = new pg.Pool({ connectionString: url, max: 4 });
        pool.on('error', () => {}); // the server ends first
        afterTest(() => pool.end());
        return new PostgresOperationsStore({ pool, table: 'xlock', timeoutMs: 20_000 });
      };
    },
  ],
];

for (const [name, program, begin] of KINDS)
  describeWhere(
    program === undefined || findProgram(program) !== undefined,
    String(program),
    `in ${name}`,
    () => {
      test('one of twenty answers counts, and one of twenty redeems', async () => {
        const open = await begin();
        const identity = await identityOf('service');
        const verifiers = await Promise.all(
          Array.from(
            { length: 4 },
            async () =>
              new XlockVerifier({ origin: ORIGIN, identity, store: await open(), denialPauseMs: 0 }),
          ),
        );
        const [one] = verifiers as [XlockVerifier, ...XlockVerifier[]];
        const device = await deviceOf('phone');
        const registration = await one.createRegistrationChallenge({ userId: 'ada' });
        const made = await verifiers[1]!.verifyRegistration(await device.register(registration.text));
        const { did } = made.value!;
        const challenge = await verifiers[2]!.createAuthChallenge({ userId: 'ada' });
        const waiting = verifiers[3]!.verifyAuth(challenge.id);
        const approval = await device.approve(challenge.text, { digits: challenge.match });
        const denial = await device.deny(challenge.text);
        const ids = await Promise.all(
          Array.from({ length: 20 }, (_, at) => idOf(verifiers[at % 4]!.respond(at % 2 ? approval : denial))),
        );
        expect(ids.filter((id) => id === undefined)).toHaveLength(1);
        expect(ids.filter((id) => id === 'CHALLENGE_ALREADY_USED')).toHaveLength(19);
        await waiting;

        const again = await one.createAuthChallenge({ did, action: 'Once more' });
        const yes = await device.approve(again.text, { digits: again.match });
        await verifiers[1]!.respond(yes);
        const redeemed = await Promise.all(
          Array.from({ length: 20 }, (_, at) => idOf(verifiers[at % 4]!.verifyAuth(again.id))),
        );
        expect(redeemed.filter((id) => id === undefined)).toHaveLength(1);
        expect(redeemed.filter((id) => id === 'CHALLENGE_ALREADY_USED')).toHaveLength(19);

        const { token } = await one.beginSession({ did, userId: 'ada', deviceId: device.id });
        expect(await verifiers[3]!.verifySession(token)).toMatchObject({ ok: true });
        await verifiers[2]!.revokeDevice(did, device.id);
        for (const verifier of verifiers)
          expect(await idOf(verifier.verifySession(token))).toBe('SESSION_INVALID');
      });
    },
  );
