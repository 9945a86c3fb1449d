import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';

const texts = (...results: readonly { value?: { payload: unknown } | undefined }[]) =>
  results.map(({ value }) => value?.payload);

test('receive() without an argument takes what was sent before, oldest first', async () => {
  const { alice, bob } = await pair();
  for (const payload of ['one', 'two']) unwrap(await alice.send({ to: bob.did, payload }));
  expect(texts(await bob.receive(), await bob.receive())).toEqual(['one', 'two']);
});

test('it waits for what is sent later, and several calls get a message each', async () => {
  const { alice, bob } = await pair();
  const waiting = [bob.receive(), bob.receive()];
  await bob.ready();
  for (const payload of ['one', 'two']) unwrap(await alice.send({ to: bob.did, payload }));
  expect(texts(...(await Promise.all(waiting)))).toEqual(['one', 'two']);
});

test('sending does not wait for it', async () => {
  const { alice, bob } = await pair();
  unwrap(await alice.send({ to: bob.did, payload: 'one' }));
  unwrap(await bob.receive());
  for (const payload of ['two', 'three']) unwrap(await alice.send({ to: bob.did, payload }));
  expect(texts(await bob.receive(), await bob.receive())).toEqual(['two', 'three']);
});

test('what is for others on the same transport is not for it', async () => {
  const { world, alice, bob } = await pair();
  const carol = await world.agent('carol');
  unwrap(await alice.send({ to: carol.did, payload: 'for carol' }));
  unwrap(await alice.send({ to: bob.did, payload: 'for bob' }));
  expect(texts(await bob.receive())).toEqual(['for bob']);
  const next = bob.receive();
  unwrap(await alice.send({ to: carol.did, payload: 'for carol' }));
  unwrap(await alice.send({ to: bob.did, payload: 'for bob again' }));
  expect(texts(await next)).toEqual(['for bob again']);
});

test('what was received by hand does not come again', async () => {
  const { world, alice, bob } = await pair();
  for (const payload of ['one', 'two']) unwrap(await alice.send({ to: bob.did, payload }));
  unwrap(await bob.receive(world.transport.outbox[0]!));
  expect(texts(await bob.receive())).toEqual(['two']);
});

test('a message that is refused is an answer of its own', async () => {
  const { world, alice, bob } = await pair();
  const waiting = [bob.receive(), bob.receive()];
  await bob.ready();
  const envelope = await alice.createEnvelope({ to: bob.did, payload: 'good' });
  unwrap(await world.transport.send({ ...envelope, scope: 'other' }, bob.did));
  unwrap(await world.transport.send(envelope, bob.did));
  const [forged, good] = await Promise.all(waiting);
  expect(idOf(forged!)).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
  expect(texts(good!)).toEqual(['good']);
});

test('shares become one message', async () => {
  const world = new World();
  const { transport } = world;
  const alice = await world.agent('alice', {
    transport: [transport, transport, transport],
    onWarning: () => {},
  });
  const bob = await world.agent('bob', { transport: [transport, transport, transport], onWarning: () => {} });
  unwrap(await alice.send({ to: bob.did, payload: 'whole', security: 'high' }));
  unwrap(await alice.send({ to: bob.did, payload: 'after' }));
  expect(texts(await bob.receive(), await bob.receive())).toEqual(['whole', 'after']);
});

test('the wait ends with its signal or with the agent, and nothing is lost by that', async () => {
  const { alice, bob } = await pair();
  const stop = new AbortController();
  const waiting = bob.receiveNext({ signal: stop.signal });
  await bob.ready();
  stop.abort(new Error('enough'));
  expect(errorOf(await waiting)).toMatchObject({ id: 'NETWORK_ERROR', cause: { message: 'enough' } });
  unwrap(await alice.send({ to: bob.did, payload: 'later' }));
  expect(texts(await bob.receive())).toEqual(['later']);
  const last = bob.receive();
  await bob.ready();
  bob.dispose();
  expect(idOf(await last)).toBe('NETWORK_ERROR');
  expect(idOf(await bob.receive())).toBe('NETWORK_ERROR');
});

test('more than 1000 envelopes that nobody asks for are refused to the sender', async () => {
  const { world, alice, bob } = await pair({ maxVersion: 1 }, { maxVersion: 1 });
  unwrap(await alice.send({ to: bob.did, payload: 0 }));
  unwrap(await bob.receive());
  const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
  for (let sent = 0; sent < 1000; sent++) unwrap(await world.transport.send(envelope, bob.did));
  expect(idOf(await world.transport.send(envelope, bob.did))).toBe('SEND_FAILED:MAILBOX_FULL');
});

test('a missing argument is no argument, but undefined is one', async () => {
  const { bob } = await pair();
  expect(idOf(await bob.receive(undefined as never))).toBe('PARSE_FAILED:SYNTAX');
});

describe('while its identity is succeeded', () => {
  test('it takes what was sent to either DID before it was first called', async () => {
    const { world, alice } = await pair();
    const [identity, successor] = [await identityOf('carol'), await identityOf('carol, next')];
    const old = await world.agent('carol');
    unwrap(await old.succeedBy(successor));
    for (const to of [identity, successor])
      unwrap(await alice.send({ to: to.did, payload: to === successor ? 'to the next' : 'to the old' }));
    const { registry, clock, transport } = world;
    const carol = new Agent({ identity, successor, registry, clock, transport });
    expect(texts(await carol.receive(), await carol.receive())).toEqual(['to the old', 'to the next']);
  });

  test('it takes what is sent to a DID that it gets while it waits', async () => {
    const { alice, bob } = await pair();
    const [old, next] = [bob.did, await identityOf('bob, next')];
    const waiting = [bob.receive(), bob.receive()];
    await bob.ready();
    unwrap(await bob.succeedBy(next));
    for (const to of [next.did, old]) unwrap(await alice.send({ to, payload: to }));
    expect(texts(...(await Promise.all(waiting)))).toEqual([next.did, old]);
  });
});
