// `xlock serve` as a program: what was acknowledged outlives kill -9; two instances share a Redis; a graceful stop ends with 0.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ask, started } from './serve-world.js';
import { findProgram, startRedis } from './servers.js';
import { describeWhere, deviceOf, temporaryFolder } from './support.js';

test('a server that is killed between challenge and answer takes the answer after its restart', async () => {
  const data = await temporaryFolder();
  const origin = ['--origin', 'https://acme.com'];
  const first = await started(data, ...origin);
  const device = await deviceOf('phone');
  const made = await ask(first.url, first.token, '/v1/register/challenge', { userId: 'ada' });
  await device.register(made.appLink, { send: (answer) => ask(first.url, '', '/v1/register', answer) });
  const login = await ask(first.url, first.token, '/v1/auth/challenge', { userId: 'ada' });
  await first.end('SIGKILL');
  const second = await started(data, ...origin);
  expect(second.token).toBe('-'); // the token of the first start still counts
  const send = (answer: unknown) => ask(second.url, '', '/v1/answer', answer);
  await device.approve(login.appLink, { digits: login.match, seenOrigin: 'https://acme.com', send });
  await second.end('SIGKILL');
  const third = await started(data, ...origin);
  expect(await ask(third.url, first.token, `/v1/auth/${login.id}`)).toMatchObject({ state: 'approved' });
  const { entries } = await ask(third.url, first.token, '/v1/export');
  expect(entries.map(({ type }: { type: string }) => type)).toContain('xlock-answer');
  expect(await third.end('SIGTERM')).toBe(0);
});

describeWhere(findProgram('redis-server') !== undefined, 'redis-server', 'two instances on one Redis', () => {
  test('one makes the challenge and waits, the other takes the answer', async () => {
    const { port } = await startRedis();
    const [one, two] = [await temporaryFolder(), await temporaryFolder()];
    const args = ['--store', `redis://127.0.0.1:${port}`, '--origin', 'https://acme.com'];
    const a = await started(one, ...args);
    await cp(join(one, 'identity.der'), join(two, 'identity.der'));
    const b = await started(two, ...args);
    expect(b.token).toBe('-');
    const device = await deviceOf('phone');
    const made = await ask(a.url, a.token, '/v1/register/challenge', { userId: 'ada' });
    await device.register(made.appLink, { send: (answer) => ask(b.url, '', '/v1/register', answer) });
    const login = await ask(b.url, a.token, '/v1/auth/challenge', { userId: 'ada' });
    const waiting = ask(a.url, a.token, `/v1/auth/${login.id}`);
    const send = (answer: unknown) => ask(b.url, '', '/v1/answer', answer);
    await device.approve(login.appLink, { digits: login.match, seenOrigin: 'https://acme.com', send });
    expect(await waiting).toMatchObject({ state: 'approved', userId: 'ada' });
  });

  test('limits of requests are shared where asked for, and each counts for itself while Redis is away', async () => {
    const { port, stop } = await startRedis();
    const args = [
      '--store',
      `redis://127.0.0.1:${port}`,
      '--origin',
      'https://acme.com',
      '--requests-per-address',
      '60',
    ];
    args.push('--identity', join(await temporaryFolder(), 'identity.der'));
    const shared = await Promise.all(
      [1, 2].map(async () => started(await temporaryFolder(), ...args, '--shared-limits')),
    );
    const alone = await started(await temporaryFolder(), ...args);
    const status = async ({ url }: { url: string }) => (await fetch(`${url}/health`)).status;
    const refused = async (servers: { url: string }[]) => {
      let count = 0;
      for (let at = 0; at < 70; at++) if ((await status(servers[at % servers.length]!)) === 429) count++;
      return count;
    };
    expect(await refused(shared)).toBeGreaterThanOrEqual(10); // 35 at each are fewer than 60
    expect(await status(alone)).toBe(200);
    await stop();
    expect(await status(shared[0]!)).toBe(200);
  });

  test('limits are shared in Redis only, and their numbers are checked', async () => {
    const data = await temporaryFolder();
    await expect(started(data, '--shared-limits')).rejects.toThrow(/needs --store redis/);
    await expect(started(data, '--requests-per-caller', 'many')).rejects.toThrow(/requestsPerCaller/);
  });
});
