// What applications ask the auth server about sessions, and what operators do for a user whom they know by name.
import { expect, test } from '@jest/globals';
import express, { type Express } from 'express';
import { loggedIn, post, registeredWorld } from './server-world.js';
import { runSnippet, snippetsIn } from './snippets.js';
import { deviceOf, listen } from './support.js';

test('the application of the README lets in who is logged in, until the device is revoked', async () => {
  const world = await registeredWorld();
  const token = await loggedIn(world);
  const snippet = (await snippetsIn('README.md')).find((text) => text.includes('/v1/sessions/verify'))!;
  const apps: Express[] = [];
  const made = () => {
    apps.push(express());
    return apps[0];
  };
  await runSnippet(
    snippet.replace('http://127.0.0.1:4500', world.url).replace(`process.env['XLOCK_TOKEN']`, 'admin'),
    { admin: world.admin, express: () => ({ default: made }) },
  );
  const { url } = await listen(apps[0]!);
  const page = async (cookie: string) => {
    const answer = await fetch(url, { headers: { cookie }, redirect: 'manual' });
    return [answer.status, answer.status === 200 ? await answer.text() : answer.headers.get('location')];
  };
  expect(await page(`a=b; session=${token}`)).toEqual([200, 'Hello, ada']);
  expect(await page('')).toEqual([303, '/login']);
  expect(await page(`session=xls_${'A'.repeat(43)}`)).toEqual([303, '/login']);
  await world.call('DELETE', `/v1/keys/${world.device.id}`);
  expect(await page(`session=${token}`)).toEqual([303, '/login']);
});

test('a session is told to applications and ends for them; questions are not in the audit log', async () => {
  const { call, did, device, audit, ...world } = await registeredWorld();
  const token = await loggedIn({ call, device, ...world });
  const before = audit.status.size;
  const { body } = await call('POST', '/v1/sessions/verify', { token });
  expect(body).toEqual({
    active: true,
    did,
    userId: 'ada',
    deviceId: device.id,
    createdAt: expect.any(Number),
    until: body.createdAt + 86_400_000,
  });
  expect(audit.status.size).toBe(before);
  const auditor = (await call('POST', '/v1/tokens', { name: 'auditor', role: 'auditor' })).body.token;
  expect((await call('POST', '/v1/sessions/verify', { token }, auditor)).status).toBe(403);
  expect((await call('POST', '/v1/sessions/end', { token })).body).toEqual({ ok: true });
  expect((await call('POST', '/v1/sessions/verify', { token })).body).toEqual({ active: false });
  expect((await call('POST', '/v1/sessions/end', { token })).status).toBe(200);
  const told: string[] = [];
  for await (const entry of audit.entries()) told.push(JSON.stringify(entry));
  expect(told.join()).not.toContain(token);
});

test('HEAD redeems no login', async () => {
  const { call, url, device, admin } = await registeredWorld();
  const login = (await call('POST', '/v1/auth/challenge', { userId: 'ada' })).body;
  const send = post(`${url}/v1/answer`);
  await device.approve(login.appLink, { digits: login.match, seenOrigin: url, send });
  const headers = { authorization: `Bearer ${admin}` };
  const head = await fetch(`${url}/v1/auth/${login.id}`, { method: 'HEAD', headers });
  expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET, OPTIONS']);
  expect((await call('GET', `/v1/auth/${login.id}`)).body.state).toBe('approved');
});

test('bob, who lost his only phone, is recovered by his name, also after it was revoked', async () => {
  const world = await registeredWorld();
  const { call, url, did, device } = world;
  const token = await loggedIn(world);
  expect((await call('POST', '/v1/rotate', { userId: 'ada' })).status).toBe(200);
  expect((await call('POST', '/v1/sessions/verify', { token })).body).toEqual({ active: false });

  await call('DELETE', `/v1/keys/${device.id}`); // the only one
  const made = await call('POST', '/v1/recover', { userId: 'ada' });
  expect([made.status, made.body.did]).toEqual([201, did]);
  const other = await deviceOf('new phone', { stores: world.stores });
  await other.recover({ service: url, userId: 'ada' });
  await other.register(made.body.appLink, { send: post(`${url}/v1/register`) });
  expect(await loggedIn({ call, url, device: other })).toMatch(/^xls_/);

  const lost = { userId: 'ada', lostDeviceId: other.id };
  expect((await call('POST', '/v1/recover', lost)).status).toBe(201);
  const { devices } = (await call('GET', `/v1/passkeys/${did}`)).body;
  expect(devices.every(({ revokedAt }: { revokedAt?: number }) => revokedAt !== undefined)).toBe(true);

  for (const path of ['/v1/recover', '/v1/rotate']) {
    expect((await call('POST', path, { userId: 'nobody' })).body.code).toBe('PASSKEY_NOT_FOUND');
    expect((await call('POST', path, {})).status).toBe(400);
    expect((await call('POST', path, { did, userId: 'ada' })).status).toBe(400);
  }
  await call('DELETE', `/v1/passkeys/${did}`);
  expect((await call('POST', '/v1/recover', { userId: 'ada' })).body.code).toBe('PASSKEY_NOT_FOUND');
});
