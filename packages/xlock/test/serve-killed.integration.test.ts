// `xlock serve` pushes over a relay and is killed with pushes under way: what was pushed can be answered, while it is down and after it is back.
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { WebSocketClass } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';
import { WebSocket } from 'ws';
import { type PushedChallenge, RelayChannel, XlockInbox } from '../src/index.js';
import { ask, started } from './serve-world.js';
import { afterTest, deviceOf, identityOf, idOf, listen, temporaryFolder, until } from './support.js';

const ORIGIN = 'https://acme.com';

async function startRelay(): Promise<string> {
  const store = await FileRelayStore.open({ path: join(await temporaryFolder(), 'messages.jsonl') });
  const relay = await createRelay({ identity: await identityOf('relay'), store, open: true });
  const { url, server } = await listen(relay.handler as never);
  server.on('upgrade', relay.upgrade);
  afterTest(() => relay.close());
  return url;
}

async function phoneOn(relayUrl: string) {
  const webSocket = WebSocket as unknown as WebSocketClass;
  const channel = new RelayChannel({ identity: await identityOf('phone'), relayUrl, webSocket });
  afterTest(() => channel.close());
  const device = await deviceOf('phone', { keys: () => channel.keys() });
  const pushed: PushedChallenge[] = [];
  const onChallenge = (one: PushedChallenge) => void pushed.push(one);
  const inbox = new XlockInbox({ channel, device, onChallenge, maxPrompts: 100, outcomeMs: 60_000 });
  return { device, inbox, pushed };
}

test('killed in a flood of pushes: an answer that was given meanwhile counts, once, and so do those that come later', async () => {
  const relayUrl = await startRelay();
  const data = await temporaryFolder();
  const args = ['--origin', ORIGIN, '--relay', relayUrl];
  const first = await started(data, ...args);
  const { token } = first;
  const { device, inbox, pushed } = await phoneOn(relayUrl);
  const made = await ask(first.url, token, '/v1/register/challenge', { userId: 'ada' });
  await device.register(made.appLink, { send: (answer) => ask(first.url, '', '/v1/register', answer) });
  await inbox.open();

  // Eight at once; five are taken (`maxPushes`). It is killed as soon as one was acknowledged, with the others under way.
  const logins: { id: string; match: string }[] = [];
  const wanted = Array.from({ length: 8 }, () =>
    ask(first.url, token, '/v1/auth/challenge', { userId: 'ada' }).then((login) => void logins.push(login)),
  );
  await Promise.any(wanted);
  await first.end('SIGKILL');
  await Promise.allSettled(wanted);
  const digits = new Map(logins.map(({ id, match }) => [id, match]));
  const [acknowledged] = logins;
  const push = await until('the push of what was acknowledged', () =>
    pushed.find(({ challenge }) => challenge.id === acknowledged!.id),
  );

  // The user answers while the server is down: the relay keeps the answer.
  const answering = device.approve(push.text, { digits: acknowledged!.match, send: push.send });
  answering.catch(() => {});
  const second = await started(data, ...args);
  expect(await ask(second.url, token, `/v1/auth/${acknowledged!.id}`)).toMatchObject({
    state: 'approved',
    userId: 'ada',
  });
  await answering;
  expect(await idOf(device.deny(push.text, { send: push.send }))).toBe('CHALLENGE_ALREADY_USED');

  // Whatever else was pushed before, the server knows it: it was kept before it was pushed.
  expect(pushed.length).toBeLessThanOrEqual(5);
  for (const { challenge, text, send } of pushed.filter((one) => one !== push)) {
    const match = digits.get(challenge.id);
    if (match === undefined) await device.deny(text, { send });
    else await device.approve(text, { digits: match, send });
  }
  expect(await second.end('SIGTERM')).toBe(0);
});
