// One-time codes at the auth server: off unless asked for, each good once, limited, in the audit log, ended by revoking.
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { RecordedEntry } from '@private.me/xlink';
import { ask, started, xlock } from './serve-world.js';
import { serverWorld } from './server-world.js';
import { freePort } from './servers.js';
import { deviceOf, temporaryFolder } from './support.js';

test('codes on paper: made by the command, taken once by the server, and not by one that was not told to', async () => {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const [data, folder] = [await temporaryFolder(), await temporaryFolder()];
  const args = ['--port', String(port), '--origin', origin];
  const first = await started(data, ...args);
  const home = join(folder, 'home');
  await xlock(home, 'init', ...['a', 'b'].flatMap((name) => ['--store', `file:${join(folder, name)}`]));
  const { appLink } = await ask(origin, first.token, '/v1/register/challenge', { userId: 'ada' });
  expect((await xlock(home, 'register', appLink)).code).toBe(0);
  const make = () => xlock(home, 'codes', '--service', origin, '--user', 'ada');
  expect(await make()).toMatchObject({ code: 1, said: expect.stringMatching(/^xlock: .* takes no codes/) });
  await first.end('SIGTERM');

  await started(data, ...args, '--offline-codes');
  const made = await make();
  expect([made.code, made.said]).toEqual([
    0,
    expect.stringMatching(/^(([A-Z0-9]{4}-){3}[A-Z0-9]{4}\n){10}$/),
  ]);
  const [code, other] = made.said.split('\n') as [string, string];
  const redeem = (typed: string, token = first.token) =>
    ask(origin, token, '/v1/codes/offline/redeem', { userId: 'ada', code: typed });
  await expect(redeem(code, '')).rejects.toMatchObject({ code: 'SESSION_INVALID' });
  expect(await redeem(code.toLowerCase().replaceAll('-', ' '))).toMatchObject({
    userId: 'ada',
    token: expect.stringMatching(/^xls_/),
  });
  await expect(redeem(code)).rejects.toMatchObject({ id: 'RESPONSE_SIGNATURE_INVALID:CODE' });
  for (let tries = 2; tries < 13; tries++)
    await expect(redeem('AAAA-AAAA-AAAA-AAAA')).rejects.toMatchObject({
      id: 'RESPONSE_SIGNATURE_INVALID:CODE',
    });
  expect(await redeem(other)).toMatchObject({ userId: 'ada' }); // wrong tries of strangers lock nobody out
  const { entries } = (await ask(origin, first.token, '/v1/export')) as { entries: RecordedEntry[] };
  expect(JSON.stringify(entries)).not.toContain(code);
  const tried = entries.filter(({ request }) => request === 'POST /v1/codes/offline/redeem');
  expect(tried.map(({ decision }) => decision).slice(0, 4)).toEqual([
    'received',
    'accepted',
    'received',
    'refused',
  ]);
}, 180_000); // many programs are started

async function messageWorld() {
  const sent: { to: string; code: string }[] = [];
  const sender = { send: (to: string, code: string) => void sent.push({ to, code }) };
  const world = await serverWorld({ codes: { sender } });
  const device = await deviceOf('phone');
  const { body } = await world.call('POST', '/v1/register/challenge', { userId: 'ada' });
  const send = async (answer: unknown) => void (await world.call('POST', '/v1/register', answer));
  const { did } = (await device.register(body.appLink, { send })) as { did: string };
  return { ...world, sent, did };
}

test('codes by message: nothing until enabled, then a session, until the device of it is revoked', async () => {
  const { call, sent, did, server, audit } = await messageWorld();
  expect((await call('POST', '/v1/codes/message', { userId: 'ada' })).status).toBe(201);
  expect((await call('POST', '/v1/codes/message', { userId: 'nobody' })).status).toBe(201);
  expect(sent).toEqual([]);
  const enabled = (await call('POST', '/v1/codes/message/enable', { did, to: '+1 555 0100' })).body;
  const { id } = (await call('POST', '/v1/codes/message', { userId: 'ada' })).body;
  expect((await call('POST', `/v1/codes/message/${id}`, { code: 'AAAA-AAAA' })).body.id).toBe(
    'RESPONSE_SIGNATURE_INVALID:CODE',
  );
  const begun = await call('POST', `/v1/codes/message/${id}`, { code: sent[0]!.code });
  expect([begun.status, begun.body.userId, begun.body.deviceId]).toEqual([201, 'ada', enabled.deviceId]);
  expect((await call('POST', `/v1/codes/message/${id}`, { code: sent[0]!.code })).body.id).toBe(
    'CHALLENGE_ALREADY_USED',
  );
  const { verifier } = server.parts;
  expect((await verifier.verifySession(begun.body.token)).ok).toBe(true);
  expect((await call('DELETE', `/v1/passkeys/${did}/devices/${enabled.deviceId}`)).status).toBe(200);
  expect((await verifier.verifySession(begun.body.token)).ok).toBe(false);
  await call('POST', '/v1/codes/message', { userId: 'ada' });
  expect(sent).toHaveLength(1);
  const told: RecordedEntry[] = [];
  for await (const entry of audit.entries()) told.push(entry);
  for (const secret of [sent[0]!.code, '555 0100']) expect(JSON.stringify(told)).not.toContain(secret);
  expect(told.map(({ type }) => type)).toContain('xlock-fallback-enabled');
});

test('only those with the right may enable, send and take codes; options are checked', async () => {
  const { call, did } = await messageWorld();
  const { token } = (await call('POST', '/v1/tokens', { name: 'a', role: 'auditor' })).body;
  for (const [path, body] of [
    ['/v1/codes/message/enable', { did, to: 'x' }],
    ['/v1/codes/message', { did }],
    [`/v1/codes/message/${'A'.repeat(22)}`, { code: 'AAAA-AAAA' }],
  ] as const) {
    expect((await call('POST', path, body, token)).status).toBe(403);
    expect((await call('POST', path, body, '')).status).toBe(401);
  }
  expect((await call('POST', '/v1/codes/offline/redeem', { did, code: 'AAAA-AAAA' })).status).toBe(404);
  await expect(serverWorld({ codes: { sender: {} as never } })).rejects.toThrow(/sender/);
  await expect(serverWorld({ codes: { ofline: true } as never })).rejects.toThrow(/offline/);
});
