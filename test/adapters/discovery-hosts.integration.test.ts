// Whose name a service signs itself to, where its operator names no hosts.
import { describe, expect, test } from '@jest/globals';
import type { DualModeOptions } from '@private.me/xlink';
import type { SignedDiscoveryDocument } from '../../src/discovery/document.js';
import { MINUTE, SECOND } from '../support/clock.js';
import { printed } from '../support/console.js';
import { ACME } from '../support/keys.js';
import type { Service } from '../support/service.js';
import { World } from '../support/world.js';
import { signed, withKey } from './requests.js';

const PATH = '/.well-known/xlink.json';

async function made(options: Partial<DualModeOptions> = {}) {
  const world = new World();
  const api = await world.agent('api');
  const service = await world.serve({
    agent: api,
    clock: world.clock,
    addressOf: (request) => request.header('x-address'),
    ...options,
  });
  return { world, api, service, clock: world.clock };
}

/** Asks for the document of a host. Resolves to the hosts that it speaks for, or to what it was refused with. */
async function ask(service: Service, host: string, address = '192.0.2.1'): Promise<string> {
  const answer = await service.send({ path: PATH, headers: { host, 'x-address': address } });
  const { hosts, code } = JSON.parse(answer.text) as SignedDiscoveryDocument & { code?: string };
  return hosts?.join() ?? `${answer.status} ${code}`;
}

const BUSY = '503 DISCOVERY_BUSY';
const REAL = 'api.example.com';

describe('without hosts, a flood of made-up ones', () => {
  test.each(['a key', 'an envelope'])(
    'never stops the renewal for one that %s came for',
    async (proof) => {
      const { world, api, service, clock } = await made();
      const caller = await world.agent('caller');
      const authenticated = proof === 'a key' ? withKey(ACME) : await signed(caller, api);
      await service.accepted({ ...authenticated, headers: { ...authenticated.headers, host: REAL } });
      const answers: string[] = [];
      for (let second = 0; second < 900; second += 5) {
        clock.advance(5 * SECOND);
        const made = Array.from({ length: 10 }, (_, at) => `h${second}-${at}.example`);
        await Promise.all(made.map((host, at) => ask(service, host, `198.51.${second % 256}.${at}`)));
        answers.push(await ask(service, REAL));
      }
      expect(new Set(answers)).toEqual(new Set([REAL]));
    },
    120_000,
  );

  test('from one address does not stop the first call of another one', async () => {
    const { service } = await made();
    const answers: string[] = [];
    for (let at = 0; at < 40; at++) answers.push(await ask(service, `h${at}.example`));
    expect(answers.filter((answer) => answer === BUSY)).toHaveLength(20);
    expect(await ask(service, REAL, '192.0.2.2')).toBe(REAL);
    expect(await ask(service, 'h0.example')).toBe('h0.example'); // and what was signed stays good
  });

  test('from many addresses makes it sign 60 a minute, and what was served is renewed', async () => {
    const { service, clock } = await made();
    expect(await ask(service, REAL)).toBe(REAL);
    const flood = () =>
      Promise.all(Array.from({ length: 80 }, (_, at) => ask(service, `h${at}.example`, `203.0.113.${at}`)));
    expect((await flood()).filter((answer) => answer !== BUSY)).toHaveLength(59);
    clock.advance(3 * MINUTE); // past half of its life
    await Promise.all(
      Array.from({ length: 60 }, (_, at) => ask(service, `g${at}.example`, `203.0.113.${at}`)),
    );
    expect(await ask(service, 'one-more.example', '192.0.2.7')).toBe(BUSY);
    expect(await ask(service, REAL, '192.0.2.7')).toBe(REAL);
  });

  test('is refused at once by a host of nobody: a request that was refused proves none', async () => {
    const { service } = await made();
    for (let at = 0; at < 30; at++)
      await service.send({ headers: { 'x-api-key': 'wrong', host: `h${at}.example` } });
    const answers: string[] = [];
    for (let at = 0; at < 30; at++) answers.push(await ask(service, `h${at}.example`));
    expect(answers.filter((answer) => answer === BUSY)).toHaveLength(10);
  });
});

test('with hosts, the document speaks for those, whatever a request names', async () => {
  const { service } = await made({ hosts: [REAL] });
  for (let at = 0; at < 70; at++) expect(await ask(service, `h${at}.example`)).toBe(REAL);
  expect([service.of('warning'), printed]).toEqual([[], []]);
});

describe('a service without hosts', () => {
  test('is warned once when it signs for a host that is not this machine', async () => {
    const { service } = await made();
    for (const host of ['localhost', 'localhost:3000', '127.0.0.1:3000', '[::1]:3000', 'api.localhost'])
      expect(await ask(service, host)).toBe(host);
    expect(service.of('warning')).toEqual([]);
    for (const host of [REAL, 'evil.example']) await ask(service, host);
    expect(service.of('warning')).toEqual([
      { type: 'warning', code: 'DISCOVERY_BUSY', message: expect.stringContaining('`hosts`') },
    ]);
    expect(printed).toEqual([]); // it has an observer
  });
});
