// The command as it is installed: initialized, registered, approved by link and over a relay, denied, audited, recovered.
import { cp, readFile, rm, stat } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore, type WebSocketClass } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';
import { WebSocket } from 'ws';
import { RelayChannel, RelayPush, XlockGate, XlockVerifier } from '../src/index.js';
import { done, xlock } from './program.js';
import { afterTest, identityOf, idOf, listen, temporaryFolder, until } from './support.js';

async function world() {
  const store = await FileRelayStore.open({ path: join(await temporaryFolder(), 'messages.jsonl') });
  const relay = await createRelay({ identity: await identityOf('relay'), store, open: true });
  const relayServer = await listen(relay.handler as never);
  relayServer.server.on('upgrade', relay.upgrade);
  afterTest(() => relay.close());
  let handler: RequestListener = () => {};
  const { url } = await listen((request, response) => handler(request, response));
  const identity = await identityOf('service');
  const channel = new RelayChannel({
    identity,
    relayUrl: relayServer.url,
    webSocket: WebSocket as unknown as WebSocketClass,
  });
  afterTest(() => channel.close());
  const push = new RelayPush(channel);
  const kept = { origin: url, identity, store: new MemoryOperationsStore(), denialPauseMs: 0 };
  const verifier = new XlockVerifier({ ...kept, push });
  const byLinks = new XlockVerifier(kept); // nothing of it waits at the relay
  push.answerTo(verifier);
  const gate = new XlockGate({ verifier });
  handler = async (request, response) => void (await gate.pass(request, response));
  return { relayUrl: relayServer.url, url, host: url.slice('http://'.length), verifier, byLinks };
}

test('from init to recover', async () => {
  const { relayUrl, url, host, verifier, byLinks } = await world();
  const folder = await temporaryFolder();
  const home = join(folder, 'home');
  const stores = ['a', 'b', 'c'].flatMap((name) => ['--store', `file:${join(folder, name)}`]);
  expect(await done(xlock(home, 'register', 'x'))).toMatchObject({
    code: 2,
    said: expect.stringContaining('xlock init'),
  });
  const initialized = await done(xlock(home, 'init', ...stores, '--relay', relayUrl, '--name', 'laptop'));
  expect(initialized).toMatchObject({ code: 0, said: expect.stringContaining('2 of 3 stores') });
  for (const file of ['config.json', 'device.der'])
    expect((await stat(join(home, file))).mode & 0o777).toBe(0o600);

  const { links } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  expect(await done(xlock(home, 'register', links.app))).toMatchObject({ code: 0 });
  const challenge = await byLinks.createAuthChallenge({ userId: 'ada', metadata: { ip: '203.0.113.42' } });
  const { did } = challenge;
  expect((await verifier.account(did)).devices).toMatchObject([{ name: 'laptop' }]);
  expect(await done(xlock(home, 'list'))).toMatchObject({ said: `${url}  ada  ${did}\n` });

  const byLink = xlock(home, 'approve', challenge.links.https);
  await until('the question', () => byLink.said().includes('address bar'));
  expect(byLink.said()).toMatch(new RegExp(`service +${url}\\n +asks for +Sign in to ${host}`));
  expect(byLink.said()).toContain('203.0.113.42');
  byLink.type(host);
  byLink.type(challenge.match);
  expect(await done(byLink)).toMatchObject({ code: 0, said: expect.stringContaining('Approved.') });
  expect(await verifier.verifyAuth(challenge.id)).toMatchObject({ ok: true });

  const waiting = xlock(home, 'approve', '--once');
  await until('the connection', () => waiting.said().includes('Waiting for logins of 1 passkey.'));
  const pushed = await verifier.createAuthChallenge({ userId: 'ada' });
  await until('the question', () => waiting.said().includes('address bar'));
  waiting.type(host);
  waiting.type(pushed.match);
  expect(await done(waiting)).toMatchObject({ code: 0, said: expect.stringContaining('Approved.') });
  expect(await verifier.verifyAuth(pushed.id)).toMatchObject({ ok: true });

  const interrupted = xlock(home, 'approve');
  await until('the connection', () => interrupted.said().includes('Ctrl-C ends'));
  await verifier.createAuthChallenge({ userId: 'ada' });
  await until('the question', () => interrupted.said().includes('address bar'));
  interrupted.child.kill('SIGINT');
  const { code, said } = await done(interrupted);
  expect([code, said.includes('Not answered: nothing was sent.')]).toEqual([0, true]);
  expect(said).not.toContain('could not be sent a push');

  const copied = await byLinks.createAuthChallenge({ userId: 'ada' });
  const atCopy = await done(
    xlock(home, 'approve', copied.links.app, '--seen', 'evil.net', '--digits', copied.match),
  );
  expect(atCopy).toMatchObject({
    code: 3,
    said: expect.stringContaining('DENIED: your browser is not at this service'),
  });
  expect(await idOf(verifier.verifyAuth(copied.id))).toBe('RESPONSE_USER_REJECTED:ORIGIN');
  const refused = await byLinks.createAuthChallenge({ userId: 'ada' });
  const silent = xlock(home, 'approve', refused.links.app);
  silent.hangUp();
  expect(await done(silent)).toMatchObject({ code: 2, said: expect.stringContaining('nothing was sent') });
  const denied = xlock(home, 'approve', refused.links.app); // it is open still
  denied.type('');
  expect(await done(denied)).toMatchObject({ code: 3, said: expect.stringContaining('Denied.') });

  expect(await done(xlock(home, 'audit'))).toMatchObject({
    code: 0,
    said: expect.stringContaining('3 good, 2 needed, 1 to spare'),
  });
  expect(await done(xlock(home, 'rotate', '--service', url, '--user', 'ada'))).toMatchObject({ code: 0 });
  await rm(join(folder, 'a'), { recursive: true });
  expect(await done(xlock(home, 'audit'))).toMatchObject({
    code: 3,
    said: expect.stringMatching(/missing +1:file:/),
  });

  // The device is lost; the folders, each with its key, were on another disk.
  const again = join(folder, 'again');
  await cp(join(home, 'config.json'), join(again, 'config.json'));
  expect(await done(xlock(again, 'recover', '--service', url, '--user', 'ada'))).toMatchObject({
    code: 0,
    said: expect.stringContaining(`Recovered ${did}`),
  });
  const adding = await verifier.createRegistrationChallenge({ did });
  expect((await done(xlock(again, 'register', adding.links.app))).code).toBe(0);
  expect((await verifier.account(did)).devices).toHaveLength(2);
  const last = await byLinks.createAuthChallenge({ did });
  expect(
    (await done(xlock(again, 'approve', last.links.app, '--seen', host, '--digits', last.match))).code,
  ).toBe(0);
  expect(JSON.parse(await readFile(join(again, 'passkeys.json'), 'utf8'))).toMatchObject([
    { service: url, did },
  ]);
}, 180_000); // some twenty programs are started

test('wrong calls are answered with what is right, and exit code 2', async () => {
  const home = await temporaryFolder();
  for (const [args, words] of [
    [['frobnicate'], 'there is no such command'],
    [['init', '--store', 'file:a'], '--store is needed 2 to 9 times'],
    [['init', '--store', 'file:a', '--store', 'ftp:b'], 'a store is file:FOLDER'],
    [['approve', '--qiet', '1'], 'qiet'],
    [[], 'Usage: xlock'],
  ] as const)
    expect(await done(xlock(home, ...args))).toMatchObject({ code: 2, said: expect.stringContaining(words) });
});
