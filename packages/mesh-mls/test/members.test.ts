import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Agent, MemoryOperationsStore, MemoryTrustRegistry } from '@private.me/xlink';
import { encodeGroupState } from 'ts-mls';
import { isBound, makeIdentity, readIdentity, STATEMENT_CONTEXT } from '../src/credential.js';
import { CryptoWorker } from '../src/index.js';
import { StateRecord } from '../src/state/record.js';
import { sealValue } from '../src/state/sealing.js';
import { Engine } from '../src/worker/engine.js';
import type { Self, Standing, StateOutput } from '../src/worker/protocol.js';
import { configOf } from '../src/worker/states.js';

const NOW = Date.now();

async function agentOf(): Promise<Agent> {
  return Agent.quickstart({ registry: new MemoryTrustRegistry() });
}

async function selfOf(agent: Agent): Promise<Self> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32));
  const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  return { identity: await makeIdentity(agent, key), publicKey: key, seed };
}

const active = async (): Promise<Standing> => 'active';
const suite = 'x25519-aes128';
const isSecret = (bytes: Uint8Array): boolean => bytes.some((byte) => byte !== 0);

test('a credential is a DID and its statement about the signature key, as the library verifies it, too', async () => {
  const agent = await agentOf();
  const { identity, publicKey } = await selfOf(agent);
  const read = readIdentity(identity)!;
  expect(read.did).toBe(agent.did);
  expect(isBound(read, publicKey)).toBe(true);
  const { did, statement: signature } = read;
  const verified = await agent.verify({ did, content: publicKey, signature, context: STATEMENT_CONTEXT });
  expect(verified.ok).toBe(true);
  expect(isBound(read, new Uint8Array(randomBytes(32)))).toBe(false);
  expect(isBound({ ...read, did: (await agentOf()).did }, publicKey)).toBe(false);
  for (const text of [
    '',
    agent.did,
    `${agent.did} x`,
    `${agent.did}  ${signature}`,
    `did:web:x ${signature}`,
  ])
    expect(readIdentity(new TextEncoder().encode(text))).toBeUndefined();
});

test('nobody is added who is unknown, revoked, somebody else, or bound to another key', async () => {
  const engine = new Engine();
  const alice = await selfOf(await agentOf());
  const bob = await agentOf();
  const bobs = await selfOf(bob);
  const made = await engine.create(
    { self: alice, suite, group: randomBytes(16), now: NOW, external: false },
    active,
  );
  const state = { key: 'one', bytes: made.bytes };
  const packageOf = async (self: Self) =>
    (await engine.keyPackages({ self, suite, count: 1, now: NOW }))[0]!.bytes;
  const add = async (self: Self, did: string, ask: () => Promise<Standing>, now = NOW) => {
    const keyPackage =
      now === NOW
        ? await packageOf(self)
        : (await engine.keyPackages({ self, suite, count: 1, now }))[0]!.bytes;
    return engine.commit({ state, add: [{ did, keyPackage }], remove: [], external: false }, ask);
  };
  const revoked = async (did?: unknown): Promise<Standing> => (did === bob.did ? 'revoked' : 'active');
  await expect(add(bobs, bob.did, revoked as never)).rejects.toMatchObject({ id: 'MEMBER_REVOKED' });
  await expect(add(bobs, bob.did, async () => 'unknown')).rejects.toMatchObject({ id: 'MEMBER_UNKNOWN' });
  await expect(add(bobs, (await agentOf()).did, active)).rejects.toMatchObject({ id: 'KEY_PACKAGE_INVALID' });
  const mallory = { ...(await selfOf(bob)), identity: bobs.identity }; // bob's statement, mallory's key
  await expect(add(mallory, bob.did, active)).rejects.toMatchObject({ id: 'CREDENTIAL_INVALID' });
  const nobody = { ...bobs, identity: new TextEncoder().encode('bob') };
  await expect(add(nobody, bob.did, active)).rejects.toMatchObject({ id: 'CREDENTIAL_INVALID' });
  const ended = NOW - 40 * 86_400_000;
  await expect(add(bobs, bob.did, active, ended)).rejects.toMatchObject({ id: 'KEY_PACKAGE_INVALID' });
  const other = await selfOf(bob); // a second key of the same DID
  const twice = [await packageOf(bobs), await packageOf(other)].map((keyPackage) => ({
    did: bob.did,
    keyPackage,
  }));
  const both = engine.commit({ state, add: twice, remove: [], external: false }, active);
  await expect(both).rejects.toMatchObject({ id: 'CREDENTIAL_INVALID:TWICE' });
  const good = await add(bobs, bob.did, active);
  expect(good.added).toEqual([bob.did]);
});

/** A group of one, as it was made. */
async function groupOfOne(engine: Engine) {
  const self = await selfOf(await agentOf());
  return engine.create({ self, suite, group: randomBytes(16), now: NOW, external: false }, active);
}

test('messages are padded', async () => {
  const engine = new Engine();
  let output: StateOutput = await groupOfOne(engine);
  const sizes: number[] = [];
  for (const [at, length] of [0, 1, 100, 180, 400].entries()) {
    const { message, ...next } = await engine.encrypt(
      { state: { key: `${at}`, bytes: output.bytes }, data: new Uint8Array(length) },
      active,
    );
    engine.states.settle(next.held, `${at + 1}`);
    output = next;
    sizes.push(message.length);
  }
  expect(new Set(sizes.slice(0, 3)).size).toBe(1);
  expect(sizes[4]).toBeGreaterThan(sizes[0]!);
});

test('secrets of a state are zeroed once the next one is stored, and not before', async () => {
  const engine = new Engine();
  const state = { key: 'first', bytes: (await groupOfOne(engine)).bytes };
  const secrets = engine.states
    .read(state, configOf(active, 'follow'))
    .secretTree.flatMap(({ application, handshake }) => [application.secret, handshake.secret])
    .filter(isSecret);
  expect(secrets.length).toBeGreaterThan(0);
  const given = await engine.encrypt({ state, data: new Uint8Array(1) }, active);
  expect(secrets.every(isSecret)).toBe(true);
  engine.states.settle(given.held, 'second');
  expect(secrets.filter((secret) => !isSecret(secret)).length).toBeGreaterThan(0);
});

test('what several clients of a process make of one state, or at a time, is not mixed up', async () => {
  const engine = new Engine();
  const made = await Promise.all([groupOfOne(engine), groupOfOne(engine)]);
  const state = { key: 'shared', bytes: made[0].bytes };
  const one = await engine.encrypt({ state, data: new Uint8Array(1) }, active);
  const other = await engine.encrypt({ state, data: new Uint8Array(1) }, active);
  engine.states.settle(one.held, undefined); // the store had another one by then
  for (const [name, { held, bytes }] of Object.entries({ first: made[0], second: made[1], other })) {
    engine.states.settle(held, name);
    const kept = engine.states.read({ key: name, bytes: new Uint8Array(0) }, configOf(active, 'follow'));
    expect(Buffer.compare(encodeGroupState(kept), bytes)).toBe(0);
  }
});

test('a sealed record is bound to its name, its version and its key', async () => {
  const store = new MemoryOperationsStore();
  const key = new Uint8Array(randomBytes(32));
  const record = new StateRecord<{ secret: string }>(store, 'mls:x/group/a', key);
  expect(await record.load()).toBeUndefined();
  expect(await record.save({ secret: 'first' })).toBe(true);
  const { json: first } = store.load('mls:x/group/a')!;
  expect(first).not.toContain('first');
  const other = new StateRecord<{ secret: string }>(store, 'mls:x/group/a', key);
  expect(await other.load()).toEqual({ secret: 'first' });
  expect(await other.save({ secret: 'second' })).toBe(true);
  expect(await record.save({ secret: 'late' })).toBe(false);
  store.save('mls:x/group/a', first, 2); // an old one in a new place
  await expect(record.load()).rejects.toMatchObject({ id: 'STATE_UNREADABLE' });
  store.save('mls:x/group/b', sealValue(key, 'mls:x/group/a', 1, {}), 0);
  await expect(new StateRecord(store, 'mls:x/group/b', key).load()).rejects.toMatchObject({
    id: 'STATE_UNREADABLE',
  });
  const stranger = new StateRecord(store, 'mls:x/group/a', new Uint8Array(32));
  await expect(stranger.load()).rejects.toMatchObject({ id: 'STATE_UNREADABLE' });
});

test('the worker leaves the event loop free, reports what fails, and is replaced when it ends', async () => {
  const worker = new CryptoWorker();
  const self = await selfOf(await agentOf());
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  const work = worker.call('keyPackages', { self, suite: 'xwing-aes256', count: 40, now: NOW }, active);
  expect(await work).toHaveLength(40);
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(20); // in this thread it would have been none
  const bad = worker.call('join', { self, welcome: new Uint8Array(3), keyPackages: [] }, active);
  await expect(bad).rejects.toMatchObject({ id: 'WELCOME_INVALID' });
  const view = worker.call('view', { state: { key: 'x', bytes: new Uint8Array(9) } }, active);
  await expect(view).rejects.toMatchObject({ id: 'STATE_UNREADABLE' });
  const lost = worker.call('keyPackages', { self, suite, count: 1000, now: NOW }, active);
  const refused = expect(lost).rejects.toMatchObject({ id: 'WORKER_FAILED' });
  await pause(20);
  await worker.close();
  await refused;
  expect(await worker.call('keyPackages', { self, suite, count: 1, now: NOW }, active)).toHaveLength(1);
  await worker.close();
});
