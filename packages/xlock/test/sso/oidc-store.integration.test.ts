// The store of oidc-provider: used once among instances, ended with its grant, and nothing in it that opens a door.
import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore, type OperationsStore } from '@private.me/xlink';
import { RedisOperationsStore, redisClientOptions } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import { OidcStore } from '../../src/sso/oidc/adapter.js';
import { findProgram, startRedis } from '../servers.js';
import { afterTest, clockAt, describeWhere } from '../support.js';

type Open = () => Promise<OperationsStore>;

async function inMemory(): Promise<Open> {
  const store = new MemoryOperationsStore();
  return async () => store;
}

async function inRedis(): Promise<Open> {
  const { port } = await startRedis();
  return async () => {
    const client = new Redis({ ...redisClientOptions.ioredis, port, host: '127.0.0.1' });
    afterTest(() => client.disconnect());
    return new RedisOperationsStore({ client, keyPrefix: 'sso:', onWarning: () => {} });
  };
}

const refuse = (description: string) => new Error(description);
const said = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    ({ message }) => message,
  );

function define(start: () => Promise<Open>): void {
  test('codes, replays, grants, sessions', async () => {
    const open = await start();
    const clock = clockAt();
    const instances = await Promise.all(
      [1, 2, 3].map(
        async () => new OidcStore({ store: await open(), refuse, now: clock, longestMs: 60_000 }),
      ),
    );
    const of = (model: string) => instances.map((instance) => instance.adapter(model));
    const codes = of('AuthorizationCode');
    await codes[0]!.upsert('the-code', { jti: 'the-code', grantId: 'g1', kind: 'AuthorizationCode' }, 60);
    expect(await codes[1]!.find('the-code')).toMatchObject({ jti: 'the-code', grantId: 'g1' });
    const kept = await (await open()).list('xlock-oidc-authorizationcode');
    expect(kept).toHaveLength(1);
    expect(JSON.stringify(kept)).not.toContain('the-code');

    const outcomes = await Promise.all(codes.map((one) => said(one.consume('the-code'))));
    expect(outcomes.sort()).toEqual(['done', 'used already', 'used already']);
    // The second one ended the grant: also what is issued for it after that.
    expect(await codes[2]!.find('the-code')).toBeUndefined();
    const tokens = of('AccessToken');
    await tokens[0]!.upsert('late', { jti: 'late', grantId: 'g1' }, 60);
    expect(await tokens[1]!.find('late')).toBeUndefined();
    await tokens[0]!.upsert('other', { jti: 'other', grantId: 'g2' }, 60);
    expect(await tokens[1]!.find('other')).toMatchObject({ jti: 'other' });
    clock.pass(60_001);
    expect(await tokens[1]!.find('other')).toBeUndefined();

    const replays = of('ReplayDetection');
    const firsts = await Promise.all(replays.map((one) => said(one.upsert('jti', { jti: 'jti' }, 60))));
    expect(firsts.sort()).toEqual(['done', 'used already', 'used already']);
    clock.pass(60_001);
    expect(await said(replays[0]!.upsert('jti', { jti: 'jti' }, 60))).toBe('done');

    const sessions = of('Session');
    await sessions[0]!.upsert('first', { jti: 'first', uid: 'u' }, 60);
    await sessions[0]!.destroy('first');
    await sessions[0]!.upsert('second', { jti: 'second', uid: 'u' }, 60);
    expect(await sessions[1]!.findByUid('u')).toMatchObject({ jti: 'second' });
    expect(await sessions[1]!.find('first')).toBeUndefined();

    clock.pass(600_000);
    for (const instance of instances) await instance.sweep();
    const store = await open();
    for (const kind of ['authorizationcode', 'accesstoken', 'session', 'replaydetection', 'revoked', 'uid'])
      expect([kind, await store.list(`xlock-oidc-${kind}`)]).toEqual([kind, []]);
  });
}

describe('in memory', () => define(inMemory));
describeWhere(findProgram('redis-server') !== undefined, 'redis-server', 'in Redis', () => define(inRedis));
