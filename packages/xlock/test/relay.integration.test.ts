// Pushes over a real relay: WebSocket and long poll, several devices, floods, quiet hours, a service that restarts.
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore, type WebSocketClass } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';
import { WebSocket } from 'ws';
import { isQuiet } from '../src/device/quiet-hours.js';
import {
  type PushedChallenge,
  RelayChannel,
  RelayPush,
  XlockInbox,
  type XlockInboxOptions,
  XlockVerifier,
  type XlockVerifierOptions,
} from '../src/index.js';
import {
  afterTest,
  deviceOf,
  identityOf,
  idOf,
  listen,
  moodies,
  ORIGIN,
  temporaryFolder,
  until,
  vaultOn,
} from './support.js';

async function startRelay(): Promise<string> {
  const store = await FileRelayStore.open({ path: join(await temporaryFolder(), 'messages.jsonl') });
  const relay = await createRelay({ identity: await identityOf('relay'), store, open: true });
  const { url, server } = await listen(relay.handler as never);
  server.on('upgrade', relay.upgrade);
  afterTest(() => relay.close());
  return url;
}

const webSocket = WebSocket as unknown as WebSocketClass;

async function channelOf(name: string, relayUrl: string, socket = true): Promise<RelayChannel> {
  const identity = await identityOf(name);
  const channel = new RelayChannel({ identity, relayUrl, ...(socket ? { webSocket } : {}) });
  afterTest(() => channel.close());
  return channel;
}

async function serviceOn(relayUrl: string, options: Partial<XlockVerifierOptions> = {}) {
  const channel = await channelOf('service', relayUrl);
  const push = new RelayPush(channel);
  const identity = await identityOf('service');
  const verifier = new XlockVerifier({ origin: ORIGIN, identity, push, denialPauseMs: 0, ...options });
  push.answerTo(verifier);
  return { verifier, channel };
}

async function deviceOn(
  relayUrl: string,
  verifier: XlockVerifier,
  name: string,
  {
    stores = moodies(),
    socket = true,
    did,
    ...options
  }: Partial<XlockInboxOptions> & {
    stores?: ReturnType<typeof moodies>;
    socket?: boolean;
    did?: string;
  } = {},
) {
  const channel = await channelOf(name, relayUrl, socket);
  const device = await deviceOf(name, { vault: vaultOn(stores), keys: () => channel.keys() });
  const request = did === undefined ? { userId: 'ada' } : { did };
  const { text } = await verifier.createRegistrationChallenge(request);
  const result = await verifier.verifyRegistration(await device.register(text));
  if (!result.ok) throw result.error;
  const pushed: PushedChallenge[] = [];
  const suppressed: string[] = [];
  const inbox = new XlockInbox({
    channel,
    device,
    onChallenge: (one) => void pushed.push(one),
    onSuppressed: (why) => void suppressed.push(why),
    ...options,
  });
  await inbox.open();
  return { device, channel, pushed, suppressed, did: result.value.did };
}

test.each([
  ['WebSocket', true],
  ['long poll', false],
])('over a %s: pushed, approved and told what became of it', async (_, socket) => {
  const relayUrl = await startRelay();
  const { verifier } = await serviceOn(relayUrl);
  const { device, pushed } = await deviceOn(relayUrl, verifier, 'phone', { socket });
  const challenge = await verifier.createAuthChallenge({ userId: 'ada', metadata: { ip: '203.0.113.42' } });
  expect(challenge.pushed).toEqual([device.id]);
  const [push] = await until('the push', () => pushed.length > 0 && pushed);
  expect(push!.challenge).toMatchObject({ origin: ORIGIN, metadata: { ip: '203.0.113.42' } });
  await device.approve(push!.text, { digits: challenge.match, send: push!.send });
  expect(await verifier.verifyAuth(challenge.id)).toMatchObject({ ok: true });
  expect(await idOf(device.deny(push!.text, { send: push!.send }))).toBe('CHALLENGE_ALREADY_USED');
});

test('an approver that answers at once, and awaits what became of it', async () => {
  const relayUrl = await startRelay();
  const { verifier } = await serviceOn(relayUrl);
  let digits: (text: string) => void = () => {};
  const typed = new Promise<string>((resolve) => {
    digits = resolve;
  });
  const outcomes: unknown[] = [];
  const { device, did } = await deviceOn(relayUrl, verifier, 'phone', {
    socket: false,
    onChallenge: async ({ text, send }) => {
      const { decision } = await device.approve(text, { digits: await typed, send });
      outcomes.push(decision);
    },
  });
  const challenge = await verifier.createAuthChallenge({ did });
  digits(challenge.match);
  expect(await verifier.verifyAuth(challenge.id)).toMatchObject({ ok: true });
  await until('the outcome', () => outcomes.length > 0);
  expect(outcomes).toEqual(['approved']);
});

test('several devices are asked; the first answer counts, the others are told', async () => {
  const relayUrl = await startRelay();
  const { verifier } = await serviceOn(relayUrl);
  const stores = moodies();
  const phone = await deviceOn(relayUrl, verifier, 'phone', { stores });
  const tablet = await deviceOn(relayUrl, verifier, 'tablet', { stores, did: phone.did });
  const challenge = await verifier.createAuthChallenge({ did: phone.did });
  expect([...challenge.pushed].sort()).toEqual([phone.device.id, tablet.device.id].sort());
  await until('both pushes', () => phone.pushed.length === 1 && tablet.pushed.length === 1);
  await tablet.device.approve(challenge.text, { digits: challenge.match, send: tablet.pushed[0]!.send });
  expect(await idOf(phone.device.deny(challenge.text, { send: phone.pushed[0]!.send }))).toBe(
    'CHALLENGE_ALREADY_USED',
  );
  await verifier.revokeDevice(phone.did, phone.device.id);
  expect((await verifier.createAuthChallenge({ did: phone.did })).pushed).toEqual([tablet.device.id]);
});

test('the service restarts between push and answer', async () => {
  const relayUrl = await startRelay();
  const store = new MemoryOperationsStore();
  const first = await serviceOn(relayUrl, { store });
  const { device, pushed, did } = await deviceOn(relayUrl, first.verifier, 'phone');
  const challenge = await first.verifier.createAuthChallenge({ did });
  const [push] = await until('the push', () => pushed.length > 0 && pushed);
  first.channel.close();
  const answering = device.approve(push!.text, { digits: challenge.match, send: push!.send });
  answering.catch(() => {});
  const { verifier } = await serviceOn(relayUrl, { store });
  expect(await verifier.verifyAuth(challenge.id)).toMatchObject({ ok: true });
  await answering;
});

test('floods and quiet hours: not shown, and still to be opened by the link', async () => {
  const relayUrl = await startRelay();
  const { verifier } = await serviceOn(relayUrl, { maxPushes: 10 });
  const stores = moodies();
  const phone = await deviceOn(relayUrl, verifier, 'phone', { stores, maxPrompts: 2 });
  const night = new Date(2026, 10, 30, 23, 30).getTime();
  const tablet = await deviceOn(relayUrl, verifier, 'tablet', {
    stores,
    did: phone.did,
    quietHours: { from: '22:00', to: '07:00' },
    clock: () => night,
  });
  let last = await verifier.createAuthChallenge({ did: phone.did });
  for (let n = 0; n < 3; n++) last = await verifier.createAuthChallenge({ did: phone.did });
  await until('the flood', () => phone.suppressed.length === 2 && tablet.suppressed.length === 4);
  expect([phone.pushed.length, phone.suppressed, tablet.pushed.length, tablet.suppressed[0]]).toEqual([
    2,
    ['flood', 'flood'],
    0,
    'quiet-hours',
  ]);
  await verifier.respond(await phone.device.approve(last.links.https, { digits: last.match }));
  expect(await verifier.verifyAuth(last.id)).toMatchObject({ ok: true });
});

test('strangers at the relay are not heard, and a device speaks for itself only', async () => {
  const relayUrl = await startRelay();
  const { verifier, channel } = await serviceOn(relayUrl);
  const phone = await deviceOn(relayUrl, verifier, 'phone');
  const challenge = await verifier.createAuthChallenge({ did: phone.did });
  await until('the push', () => phone.pushed.length === 1);
  const thief = await channelOf('thief', relayUrl);
  await thief.know(phone.device.id, [], await phone.channel.keys());
  await thief.send(phone.device.id, 'xlock:challenge', {
    challenge: challenge.text,
    keys: await thief.keys(),
  });
  // A registered device passes on the answer of another one.
  const eve = await deviceOn(relayUrl, verifier, 'eve', { did: phone.did, stores: moodies() }).catch(
    (error: { id?: string }) => error.id,
  );
  expect(eve).toBe('PASSKEY_NOT_FOUND');
  const answer = await phone.device.approve(challenge.text, { digits: challenge.match });
  await channel.know(thief.did, ['xlock:answer'], await thief.keys());
  await thief.know(channel.did, ['xlock:outcome'], await channel.keys());
  const outcomes: unknown[] = [];
  thief.listen(({ payload }) => void outcomes.push(payload));
  await thief.send(channel.did, 'xlock:answer', { answer });
  await until('the outcome', () => outcomes.length > 0);
  expect(outcomes).toEqual([{ challengeId: challenge.id, error: 'RESPONSE_DEVICE_MISMATCH' }]);
  expect(phone.pushed).toHaveLength(1);
  expect(await idOf(thief.send('did:key:z6Mk', 'xlock:answer', {}))).toBe('PUSH_NOTIFICATION_DISABLED');
});

test('quiet hours go over midnight, or not', () => {
  const at = (hours: number, minutes = 0) => new Date(2026, 10, 30, hours, minutes).getTime();
  const night = { from: '22:00', to: '07:00' };
  expect([21, 22, 23, 0, 6, 7].map((hour) => isQuiet(night, at(hour)))).toEqual([
    false,
    true,
    true,
    true,
    true,
    false,
  ]);
  const noon = { from: '12:30', to: '13:00' };
  expect([at(12), at(12, 30), at(12, 59), at(13)].map((time) => isQuiet(noon, time))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});
