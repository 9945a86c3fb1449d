import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { Agent, CachedTrustRegistry, MemoryTrustRegistry } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import { makeIdentity } from '../src/credential.js';
import { assertSizes } from '../src/delivery/sizes.js';
import { LIMITS } from '../src/delivery/wire.js';
import { Engine } from '../src/worker/engine.js';
import { hostile } from './hostile.js';
import { agentAt, bytes, clientAt, groupIn, groupOf, type Place, startServer, until } from './support.js';

const MIB = 1024 * 1024;
const textOf = (size: number): string => randomBytes(size).toString('base64url');

test.each([
  ['sealed', false],
  ['in a session', true],
])(
  'the server takes what is documented, %s, and no byte more',
  async (_, session) => {
    const place = await startServer();
    const agent = await agentAt(place, 'alice');
    const fetch = xlinkFetch({ agent, baseUrl: place.url, session });
    const call = async (method: string, path: string, body?: object) => {
      const sent = body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
      const response = await fetch(`/v1/groups${path}`, { method, ...sent });
      const answer = (await response.json()) as Record<string, unknown>;
      return { ...answer, status: response.status } as Record<string, unknown>;
    };
    const suite = 'x25519-aes128';
    const group = randomBytes(16).toString('base64url');
    const groupInfo = textOf(LIMITS.welcomeBytes);
    expect(LIMITS).toMatchObject({ commitBytes: 2 * MIB, welcomeBytes: 4 * MIB });
    expect(await call('POST', '', { group, suite, groupInfo })).toMatchObject({ status: 200, group });
    expect((await call('GET', `/${group}/info`))['groupInfo']).toBe(groupInfo);
    const commit = { epoch: 0, commit: textOf(LIMITS.commitBytes), added: [agent.did], removed: [] };
    const welcome = textOf(LIMITS.welcomeBytes);
    expect(await call('POST', `/${group}/commits`, { ...commit, welcome, groupInfo })).toMatchObject({
      seq: 1,
    });
    expect((await call('GET', `/${group}/welcome?seq=1`))['welcome']).toBe(welcome);
    const message = { kind: 'message', epoch: 1, message: textOf(LIMITS.messageBytes) };
    expect(await call('POST', `/${group}/messages`, message)).toMatchObject({ seq: 2 });
    const { entries } = await call('GET', `/${group}/log?after=0`);
    expect(entries).toMatchObject([{ data: commit.commit }, { data: message.message }]);
    const packages = Array.from({ length: 100 }, () => textOf(LIMITS.keyPackageBytes));
    expect(await call('PUT', '/key-packages', { suite, packages })).toMatchObject({ status: 200 });
    for (const [field, size] of [
      ['commit', LIMITS.commitBytes],
      ['welcome', LIMITS.welcomeBytes],
      ['groupInfo', LIMITS.welcomeBytes],
    ] as const) {
      const refused = await call('POST', `/${group}/commits`, {
        ...commit,
        commit: 'AAAA',
        [field]: textOf(size + 1),
      });
      expect(refused).toMatchObject({ status: 400, field });
    }
  },
  60_000,
);

test.each(['commit', 'welcome', 'groupInfo'] as const)(
  'a %s that is too large is told with the limit before it is sent',
  (field) => {
    const most = field === 'commit' ? LIMITS.commitBytes : LIMITS.welcomeBytes;
    assertSizes({ [field]: new Uint8Array(most) });
    expect(() => assertSizes({ [field]: new Uint8Array(most + 1) })).toThrow(
      expect.objectContaining({
        id: 'TOO_LARGE',
        field,
        message: expect.stringContaining(`at most ${most}`),
      }),
    );
  },
);

test('a commit that a server or proxy finds too large is given up, and the group goes on', async () => {
  const place = await startServer();
  const agent = await agentAt(place, 'alice');
  const { fetch, rules } = hostile(agent, place.url);
  let isSmall = false;
  const small: typeof fetch = async (url, init) =>
    isSmall && url.endsWith('/commits')
      ? new Response('<html>too large</html>', { status: 413 })
      : fetch(url, init);
  const alice = await clientAt(place, 'alice', { agent, fetch: small });
  const bob = await clientAt(place, 'bob');
  const group = await groupOf(alice, bob);
  isSmall = true;
  await expect(group.rekey()).rejects.toMatchObject({ id: 'TOO_LARGE', detail: 'HTTP_413' });
  isSmall = false;
  await group.send(bytes('still here'));
  await until('bob hears', () => bob.inbox.includes('still here'));
  expect(group.epoch).toBe(1);
  expect(rules.change).toBeUndefined();
});

const SIZE = 300;

test(`a welcome to a group of ${SIZE} with X-Wing, some megabytes in one commit, is sent, fetched and joined`, async () => {
  const place = await startServer();
  const registry = new CachedTrustRegistry({ registry: place.registry, ttlMs: 600_000 });
  const suite = 'xwing-aes256';
  const [alicesAgent, bobsAgent] = [
    await agentAt(place, 'alice', registry),
    await agentAt(place, 'bob', registry),
  ];
  const { fetch, rules } = hostile(alicesAgent, place.url);
  const ghosts = await ghostsAt(place, SIZE - 2, suite);
  let sent = 0;
  rules.answer = (method, path, body) => {
    if (method === 'POST' && path.endsWith('/commits')) sent = JSON.stringify(body).length;
    const keyPackage = path.startsWith('/key-packages/') && ghosts.get(decodeURIComponent(path.slice(14)));
    return keyPackage ? { keyPackage, lastResort: false } : undefined;
  };
  const alice = await clientAt(place, 'alice', {
    agent: alicesAgent,
    fetch,
    suite,
    keyPackages: 2,
    timeoutMs: 60_000,
  });
  const bob = await clientAt(place, 'bob', { agent: bobsAgent, suite, keyPackages: 2, timeoutMs: 60_000 });
  const group = await alice.client.create();
  await group.add([bob.did, ...ghosts.keys()]);
  expect(sent).toBeGreaterThan(2 * MIB);
  const bobs = await until('bob is in', () => bob.client.group(group.id), 120_000);
  expect(bobs.members).toHaveLength(SIZE);
  expect(bobs.fingerprint()).toBe(group.fingerprint());
  await groupIn(bob, group.id, 1);
  await group.send(bytes('to all'));
  await until('bob hears', () => bob.inbox.includes('to all'));
}, 300_000);

/** Agents that are in the registry of the server and do nothing, with a key package each. */
async function ghostsAt(
  { registry }: Place,
  count: number,
  suite: 'xwing-aes256',
): Promise<Map<string, string>> {
  const engine = new Engine();
  const ghosts = new Map<string, string>();
  for (let at = 0; at < count; at++) {
    const agent = await Agent.quickstart({ registry: new MemoryTrustRegistry() });
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const seed = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32));
    const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    const self = { identity: await makeIdentity(agent, key), publicKey: key, seed };
    const [made] = await engine.keyPackages({ self, suite, count: 1, now: Date.now() });
    const done = await registry.register({ did: agent.did });
    if (!done.ok) throw done.error;
    ghosts.set(agent.did, Buffer.from(made!.bytes).toString('base64url'));
    agent.dispose();
  }
  return ghosts;
}
