import { expect, test } from '@jest/globals';
import { xlinkFetch } from '@private.me/xlink/client';
import type { DidFetch } from '../src/index.js';
import { type Entry, hostile } from './hostile.js';
import {
  agentAt,
  bytes,
  clientAt,
  faultsOf,
  groupIn,
  groupOf,
  type Place,
  startServer,
  type TestClient,
  until,
} from './support.js';

/** Bob, whose server can be made to lie. */
async function bobAt(place: Place) {
  const agent = await agentAt(place, 'bob');
  const { fetch, rules } = hostile(agent, place.url);
  return { ...(await clientAt(place, 'bob', { agent, fetch, waitMs: 200 })), rules };
}

const refusedBy = ({ events }: TestClient): string[] =>
  events.flatMap((event) => (event.type === 'refused' ? [event.id] : []));

test('a server that leads members into two epochs of one number is found out by the first message', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await bobAt(place);
  const group = await groupOf(alice, bob);
  const bobs = await groupIn(bob, group.id, 1);
  bob.rules.change = (path, answer) => (path.includes('/log') ? { entries: [] } : answer);
  await group.rekey(); // bob does not hear of it, and is told that his own commit came first
  bob.rules.answer = (method, path, body) =>
    method === 'POST' && path.endsWith('/commits')
      ? { seq: 2, kind: 'commit', epoch: 1, by: bob.did, at: 0, data: body!['commit'] }
      : undefined;
  await bobs.rekey();
  expect([group.epoch, bobs.epoch]).toEqual([2, 2]);
  expect(bobs.fingerprint()).not.toBe(group.fingerprint());
  bob.rules.change = undefined;
  await group.send(bytes('which epoch?'));
  await until('bob sees it', () => faultsOf(bob).includes('GROUP_FORKED'));
  await expect(bobs.send(bytes('x'))).rejects.toMatchObject({ id: 'GROUP_FORKED' });
  await expect(bobs.rekey()).rejects.toMatchObject({ id: 'GROUP_FORKED' });
  expect(bob.inbox).toEqual([]);
  await bob.client.close();
  const again = await clientAt(place, 'bob', { agent: bob.agent, store: bob.store });
  await expect(again.client.group(group.id)!.send(bytes('x'))).rejects.toMatchObject({ id: 'GROUP_FORKED' });
});

test('messages that are flipped, cut, replayed, of other epochs or of nobody are dropped, and the rest is read', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await bobAt(place);
  const group = await groupOf(alice, bob);
  await groupIn(bob, group.id, 1);
  let kept: Entry | undefined;
  const meddle = (entry: Entry): Entry => {
    const raw = Buffer.from(entry.data, 'base64url');
    const n = entry.kind === 'message' ? entry.seq : 0;
    if (n === 2) kept = entry;
    const middle = Math.floor(raw.length / 2);
    const changed: Record<number, () => Buffer> = {
      3: () =>
        Buffer.concat([raw.subarray(0, middle), Buffer.from([raw[middle]! ^ 1]), raw.subarray(middle + 1)]),
      4: () => raw.subarray(0, middle),
      5: () => Buffer.from(kept!.data, 'base64url'),
      6: () => Buffer.from('nonsense'),
      11: () => Buffer.from(kept!.data, 'base64url'),
    };
    return { ...entry, data: (changed[n]?.() ?? raw).toString('base64url') };
  };
  bob.rules.change = (_path, answer) => (answer.entries ? { entries: answer.entries.map(meddle) } : answer);
  for (let n = 2; n <= 7; n++) await group.send(bytes(`message ${n}`));
  for (let n = 8; n <= 10; n++) await group.rekey();
  for (let n = 11; n <= 12; n++) await group.send(bytes(`message ${n}`));
  await until('bob has read all', () => bob.inbox.includes('message 12'));
  expect(bob.inbox).toEqual(['message 2', 'message 7', 'message 12']);
  expect(refusedBy(bob)).toEqual([
    'MESSAGE_INVALID',
    'MESSAGE_INVALID',
    'MESSAGE_INVALID:REPLAYED',
    'MESSAGE_INVALID',
    'MESSAGE_INVALID:EPOCH',
  ]);
  expect(faultsOf(bob)).toEqual([]);
});

test('a log with a gap, or a commit that does not verify, is not applied; the true one is, later', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await bobAt(place);
  const group = await groupOf(alice, bob);
  const bobs = await groupIn(bob, group.id, 1);
  bob.rules.change = (_path, answer) => (answer.entries ? { entries: answer.entries.slice(1) } : answer);
  await group.rekey();
  await group.send(bytes('after'));
  await until('bob sees the gap', () => faultsOf(bob).includes('DELIVERY_FAILED'));
  bob.rules.change = (_path, answer) =>
    answer.entries
      ? {
          entries: answer.entries.map((one) =>
            one.kind === 'commit' ? { ...one, data: `${one.data.slice(0, -4)}AAAA` } : one,
          ),
        }
      : answer;
  await until('bob sees the commit', () => faultsOf(bob).includes('COMMIT_INVALID'));
  expect(bobs.epoch).toBe(1);
  bob.rules.change = undefined;
  await until('bob hears', () => bob.inbox.length === 1);
  expect(bobs.fingerprint()).toBe(group.fingerprint());
});

test('a member that tells the server other members than its commit has is found out', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice', { recheckMs: 200 });
  const bob = await clientAt(place, 'bob', { recheckMs: 200 });
  const agent = await agentAt(place, 'mallory');
  const ghost = await agentAt(place, 'ghost');
  const real = xlinkFetch({ agent, baseUrl: place.url }) as unknown as DidFetch;
  let lie: object | undefined;
  const fetch: DidFetch = (url, init) => {
    const isLie = lie && url.endsWith('/commits');
    return real(
      url,
      isLie ? { ...init, body: JSON.stringify({ ...JSON.parse(String(init.body)), ...lie }) } : init,
    );
  };
  const mallory = await clientAt(place, 'mallory', { agent, fetch });
  const group = await groupOf(alice, bob, mallory);
  const mallorys = await groupIn(mallory, group.id);
  await Promise.all([alice, bob].map((one) => groupIn(one, group.id, group.epoch)));
  await group.recheck();
  expect(faultsOf(alice)).toEqual([]);
  lie = { added: [ghost.did] };
  await mallorys.rekey();
  await until('alice is told of the ghost', () => faultsOf(alice).includes('MEMBERS_DIFFER'));
  lie = { removed: [bob.did] };
  await mallorys.rekey();
  await until('bob is told that he was cut off', () => faultsOf(bob).includes('MEMBERS_DIFFER'));
});

test('a welcome for somebody else opens nothing', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await bobAt(place);
  const carol = await clientAt(place, 'carol');
  const group = await groupOf(alice, carol);
  const carolsFetch = xlinkFetch({ agent: carol.agent, baseUrl: place.url });
  const welcome = await (await carolsFetch(`/v1/groups/${group.id}/welcome?seq=1`)).json();
  const invitation = { id: 1, group: group.id, server: place.url, by: alice.did, seq: 1 };
  bob.rules.answer = (_method, path) => {
    if (path.startsWith('/news')) return { groups: [], invitations: true };
    if (path === '/invitations') return { invitations: [invitation] };
    if (path.includes('/welcome')) return welcome as object;
    if (path === `/${group.id}`) return { externalJoin: false };
    return undefined;
  };
  await until('bob refuses', () => faultsOf(bob).includes('WELCOME_INVALID:NOT_OURS'));
  expect(bob.client.groups).toEqual([]);
  const other = { ...invitation, server: 'https://elsewhere.example' };
  bob.rules.answer = (_method, path) => {
    if (path.startsWith('/news')) return { groups: [], invitations: true };
    return path === '/invitations' ? { invitations: [other] } : undefined;
  };
  await until('bob does not go there', () => faultsOf(bob).includes('SERVER_NOT_ALLOWED'));
});

test('strangers, removed members and junk get nowhere at the server', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await clientAt(place, 'bob');
  const group = await groupOf(alice, bob);
  const stranger = await agentAt(place, 'stranger');
  const ask = async (agent: typeof stranger, method: string, path: string, body?: object) => {
    const fetch = xlinkFetch({ agent, baseUrl: place.url });
    const sent = body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const response = await fetch(`/v1/groups${path}`, { method, ...sent });
    const { code, subCode } = (await response.json()) as Record<string, string>;
    return [response.status, subCode ? `${code}:${subCode}` : code];
  };
  const id = `/${group.id}`;
  const message = Buffer.from('junk').toString('base64url');
  const commit = { epoch: group.epoch, commit: message, added: [], removed: [] };
  expect(await ask(stranger, 'GET', id)).toEqual([404, 'GROUP_UNKNOWN']);
  expect(await ask(stranger, 'GET', `${id}/log`)).toEqual([404, 'GROUP_UNKNOWN']);
  expect(await ask(stranger, 'GET', `${id}/welcome?seq=1`)).toEqual([404, 'GROUP_UNKNOWN']);
  expect(await ask(stranger, 'GET', `${id}/info`)).toEqual([403, 'EXTERNAL_JOIN_OFF']);
  expect(await ask(stranger, 'POST', `${id}/commits`, commit)).toEqual([403, 'NOT_A_MEMBER']);
  expect(
    await ask(stranger, 'POST', `${id}/commits`, { ...commit, external: true, added: [stranger.did] }),
  ).toEqual([403, 'EXTERNAL_JOIN_OFF']);
  const post = { kind: 'message', epoch: group.epoch, message };
  expect(await ask(stranger, 'POST', `${id}/messages`, post)).toEqual([403, 'NOT_A_MEMBER']);
  expect(await ask(bob.agent, 'POST', `${id}/messages`, { ...post, epoch: 7 })).toEqual([
    409,
    'EPOCH_CONFLICT',
  ]);
  expect(await ask(bob.agent, 'POST', `${id}/commits`, { ...commit, epoch: 0 })).toEqual([
    409,
    'EPOCH_CONFLICT',
  ]);
  expect((await ask(bob.agent, 'POST', `${id}/messages`, { ...post, message: '!' }))[0]).toBe(400);
  expect((await ask(bob.agent, 'POST', `${id}/messages`, { ...post, message: 'A'.repeat(200_000) }))[0]).toBe(
    400,
  );
  expect(await ask(alice.agent, 'POST', '', { group: group.id, suite: 'x25519-aes128' })).toEqual([
    409,
    'GROUP_EXISTS',
  ]);
  const token = await fetch(`${place.url}/v1/groups${id}`, {
    headers: { authorization: `Bearer ${place.token}` },
  });
  expect(token.status).toBe(403);
  expect((await fetch(`${place.url}/v1/groups${id}`)).status).toBe(401);
  // Junk of a member is dropped by the others, who are told whose it was.
  expect((await ask(bob.agent, 'POST', `${id}/messages`, post))[0]).toBe(200);
  await until('alice refuses it', () => refusedBy(alice).length === 1);
  expect(alice.events.find(({ type }) => type === 'refused')).toMatchObject({
    by: bob.did,
    id: 'MESSAGE_INVALID',
  });
  await group.remove(bob.did);
  expect(await ask(bob.agent, 'POST', `${id}/messages`, { ...post, epoch: group.epoch })).toEqual([
    403,
    'NOT_A_MEMBER',
  ]);
  await group.send(bytes('after'));
  const fetchOfBob = xlinkFetch({ agent: bob.agent, baseUrl: place.url });
  const { entries } = (await (await fetchOfBob(`/v1/groups${id}/log?after=0`)).json()) as {
    entries: Entry[];
  };
  expect(entries.at(-1)).toMatchObject({ kind: 'commit', by: alice.did }); // which removed him, and nothing after it
});
