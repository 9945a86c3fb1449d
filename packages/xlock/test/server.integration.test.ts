// The auth server over real HTTP: a login from the first token to the session, roles, junk on every route, revocation, mounts, export.
import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore, type RecordedEntry } from '@private.me/xlink';
import { jsonLogger, ROLES } from '@private.me/xlink/http-api';
import { XLOCK_PERMISSIONS, XLOCK_ROUTES, XlockServer, xlockRoute } from '../src/server/index.js';
import { post, registeredWorld, serverWorld } from './server-world.js';
import { deviceOf } from './support.js';

const DID = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
test('a user registers and logs in; the answer comes while the page waits, and is redeemed once', async () => {
  const { call, url, device, did, server } = await registeredWorld();
  const login = (await call('POST', '/v1/auth/challenge', { userId: 'ada' })).body;
  expect((await call('GET', `/v1/auth/${login.id}?waitMs=0`)).body).toEqual({ state: 'pending' });
  const waiting = call('GET', `/v1/auth/${login.id}?waitMs=20000`);
  const send = post(`${url}/v1/auth/${login.id}/response`);
  await device.approve(login.appLink, { digits: login.match, seenOrigin: url, send });
  const { status, body } = await waiting;
  expect({ status, state: body.state, did: body.did, userId: body.userId }).toEqual({
    status: 200,
    state: 'approved',
    did,
    userId: 'ada',
  });
  expect((await server.parts.verifier.verifySession(body.token)).ok).toBe(true);
  expect((await call('GET', `/v1/auth/${login.id}`)).body.code).toBe('CHALLENGE_ALREADY_USED');
});

test('a discreet challenge does not tell who has an account', async () => {
  const { call, device, url, did } = await registeredWorld();
  const ask = (userId: string) => call('POST', '/v1/auth/challenge', { userId, isDiscreet: true });
  const [user, nobody] = [await ask('ada'), await ask('nobody')];
  expect([nobody.status, Object.keys(nobody.body)]).toEqual([user.status, Object.keys(user.body)]);
  const { id, appLink, match } = user.body;
  await device.approve(appLink, {
    digits: match,
    seenOrigin: url,
    send: post(`${url}/v1/auth/${id}/response`),
  });
  expect((await call('GET', `/v1/auth/${id}`)).body).toMatchObject({ state: 'approved', did });
  expect((await call('POST', '/v1/auth/challenge', { userId: 'nobody' })).status).toBe(404);
});

test('metrics count what became of logins', async () => {
  const { call, url, device } = await registeredWorld();
  const login = async () => (await call('POST', '/v1/auth/challenge', { userId: 'ada' })).body;
  const [yes, no] = [await login(), await login()];
  const send = (id: string) => post(`${url}/v1/auth/${id}/response`);
  await device.approve(yes.appLink, { digits: yes.match, seenOrigin: url, send: send(yes.id) });
  await device.deny(no.appLink, { send: send(no.id) });
  const text = (await call('GET', '/metrics')).body;
  for (const decision of ['accepted', 'refused'])
    expect(text).toMatch(
      new RegExp(`^xlock_server_events_total\\{type="xlock-answer",decision="${decision}"\\} [12]$`, 'm'),
    );
});

test('events tell the approval', async () => {
  const { call, url, device, admin } = await registeredWorld();
  const login = (await call('POST', '/v1/auth/challenge', { userId: 'ada' })).body;
  const response = await fetch(`${url}/v1/auth/${login.id}`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${admin}` },
  });
  await device.approve(login.appLink, {
    digits: login.match,
    seenOrigin: url,
    send: post(`${url}/v1/auth/${login.id}/response`),
  });
  const events = (await response.text()).match(/^event: \w+/gm);
  expect(events).toEqual(['event: pending', 'event: approved']);
});

test('an answer for another challenge, and one that is not signed, change nothing', async () => {
  const { call, device, url } = await registeredWorld();
  const [one, two] = [
    (await call('POST', '/v1/auth/challenge', { userId: 'ada' })).body,
    (await call('POST', '/v1/auth/challenge', { userId: 'ada' })).body,
  ];
  const crossed = device.approve(one.appLink, {
    digits: one.match,
    seenOrigin: url,
    send: post(`${url}/v1/auth/${two.id}/response`),
  });
  await expect(crossed).rejects.toMatchObject({ id: 'CHALLENGE_INVALID:UNKNOWN' });
  expect((await call('GET', `/v1/auth/${one.id}?waitMs=0`)).body).toEqual({ state: 'pending' });
});

test('a revoked device is refused; recovery revokes the lost one and adds another', async () => {
  const { call, url, device, did } = await registeredWorld();
  const [{ id: lost }] = (await call('GET', `/v1/passkeys/${did}`)).body.devices;
  const login = (await call('POST', '/v1/auth/challenge', { did })).body;
  expect((await call('POST', '/v1/recover', { did, lostDeviceId: lost })).status).toBe(201);
  const send = post(`${url}/v1/auth/${login.id}/response`);
  await expect(
    device.approve(login.appLink, { digits: login.match, seenOrigin: url, send }),
  ).rejects.toMatchObject({
    id: 'RESPONSE_DEVICE_MISMATCH:REVOKED',
  });
  expect((await call('DELETE', `/v1/passkeys/${did}`)).status).toBe(200);
  expect((await call('GET', `/v1/passkeys/${did}`)).body.revokedAt).toBeGreaterThan(0);
});

test('an admin lists passkeys in pages, by user, and revokes the key of a device wherever it is', async () => {
  const { call, url, device, did, server } = await registeredWorld();
  const dids = [did];
  for (const userId of ['cleo', 'bob']) {
    const { body } = await call('POST', '/v1/register/challenge', { userId });
    const other = await deviceOf(userId === 'cleo' ? 'tablet' : 'phone');
    dids.push(
      ((await other.register(body.appLink, { send: post(`${url}/v1/register`) })) as { did: string }).did,
    );
  }
  dids.sort();
  const first = (await call('GET', '/v1/passkeys?max=2')).body;
  expect([first.passkeys.map((one: { did: string }) => one.did), first.next]).toEqual([
    dids.slice(0, 2),
    dids[1],
  ]);
  const rest = (await call('GET', `/v1/passkeys?max=2&after=${first.next}`)).body;
  expect([rest.passkeys.map((one: { did: string }) => one.did), rest.next]).toEqual([
    dids.slice(2),
    undefined,
  ]);
  expect((await call('GET', '/v1/passkeys?userId=ada')).body.passkeys).toMatchObject([
    { did, userId: 'ada' },
  ]);

  const login = (await call('POST', '/v1/auth/challenge', { did })).body;
  const send = post(`${url}/v1/answer`);
  await device.approve(login.appLink, { digits: login.match, seenOrigin: url, send });
  const { token } = (await call('GET', `/v1/auth/${login.id}`)).body;
  expect((await server.parts.verifier.verifySession(token)).ok).toBe(true);
  const { status, body } = await call('DELETE', `/v1/keys/${device.id}`);
  expect([status, body.passkeys]).toEqual([200, expect.arrayContaining([did])]);
  expect(body.passkeys).toHaveLength(2); // of ada and of bob, on one phone
  expect((await server.parts.verifier.verifySession(token)).ok).toBe(false);
  expect((await call('DELETE', `/v1/keys/${DID}`)).status).toBe(404);
});

test('rotate ends the sessions, and says that the shares are made anew on the device', async () => {
  const { call, url, device, did, server } = await registeredWorld();
  const login = (await call('POST', '/v1/auth/challenge', { did })).body;
  await device.approve(login.appLink, {
    digits: login.match,
    seenOrigin: url,
    send: post(`${url}/v1/answer`),
  });
  const { token } = (await call('GET', `/v1/auth/${login.id}`)).body;
  const rotated = await call('POST', '/v1/rotate', { did });
  expect(rotated.body).toEqual({ ok: true, sessions: 'ended', shares: 'on-device' });
  expect((await server.parts.verifier.verifySession(token)).ok).toBe(false);
});

test('what an admin revokes is in the audit log, with who and what', async () => {
  const { call, did, audit } = await registeredWorld();
  await call('POST', '/v1/backends/revoke', { url: 'https://dav.example', reason: 'sold' });
  await call('DELETE', `/v1/passkeys/${did}`);
  const entries: RecordedEntry[] = [];
  for await (const entry of audit.entries()) entries.push(entry);
  const of = (request: string) => entries.filter((entry) => entry.request === request);
  expect(of('POST /v1/backends/revoke')).toMatchObject([
    { decision: 'received', data: { what: { url: 'https://dav.example', reason: 'sold' } } },
    { decision: 'accepted' },
  ]);
  expect(of(`DELETE /v1/passkeys/${did}`).map(({ decision }) => decision)).toEqual(['received', 'accepted']);
  expect(entries.map(({ type }) => type)).toContain('xlock-passkey-revoked');
});

test('every role gets what the table says, and nothing else', async () => {
  const { call } = await serverWorld();
  for (const role of ROLES) {
    const { token } = (await call('POST', '/v1/tokens', { name: role, role })).body;
    for (const { access, method, path } of XLOCK_ROUTES) {
      if (access === 'public' || access === 'member') continue;
      const filled = path
        .replaceAll(/\{(did|deviceId)\}/g, DID)
        .replace('{id}', 'A'.repeat(path.includes('token') ? 12 : 22));
      const { status } = await call(method, filled, method === 'POST' ? {} : undefined, token);
      expect({ role, path, isDenied: status === 403 }).toEqual({
        role,
        path,
        isDenied: !XLOCK_PERMISSIONS[access][role],
      });
      expect((await call(method, filled, method === 'POST' ? {} : undefined, '')).status).toBe(401);
    }
  }
});

describe('junk', () => {
  const bodies = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"__proto__":{}}',
    '{"did":7}',
    `{"a":${'['.repeat(200)}${']'.repeat(200)}}`,
    '\u0000',
  ];
  test.each(XLOCK_ROUTES.map(({ method, path }) => [method, path] as const))(
    '%s %s',
    async (method, path) => {
      const { call } = await serverWorld();
      for (const text of ['x', '%00', 'A'.repeat(22), 'A'.repeat(12), DID, '..%2f..']) {
        const filled = path.replaceAll(/\{\w+\}/g, text);
        for (const query of ['', '?waitMs=0', '?max=-1', '?x=1&x=2'])
          for (const body of method === 'POST' ? bodies : [undefined]) {
            const { status } = await call(method, filled + query, body);
            expect({ filled, body, isFault: status >= 500 }).toMatchObject({ isFault: false });
          }
      }
      expect((await call('GET', '/health')).status).toBe(200);
    },
  );
});

test('the first token is made once, and kept as a hash', async () => {
  const documents = new MemoryOperationsStore();
  const { admin } = await serverWorld({}, documents);
  expect(admin).toMatch(/^xlk_/);
  const kept = JSON.stringify(documents.list('access'));
  expect(kept).toContain('first admin');
  expect(kept).not.toContain(admin.split('.')[1]!);
  expect((await serverWorld({}, documents)).admin).toBe('');
});

test('requests are limited for each address', async () => {
  const { call } = await serverWorld({ requestsPerAddress: 3 });
  for (let count = 0; count < 3; count++) expect((await call('GET', '/health')).status).toBe(200);
  expect((await call('GET', '/health')).status).toBe(429);
});

test('routes and mounts of others are served, and a mount that fails ends nothing', async () => {
  const { url, document } = await serverWorld({
    routes: [
      xlockRoute(
        {
          id: 'more',
          method: 'GET',
          path: '/v1/more',
          tag: 'More',
          summary: 'More',
          access: 'public',
          answer: { status: 200, description: 'It' },
        },
        ({ server }) => ({ origin: server.verifier.origin }),
      ),
    ],
    mounts: [
      { path: '/page', handle: (req, res) => void res.end(`page ${req.url}`) },
      { path: '/bad', handle: () => Promise.reject(new Error('secret')) },
    ],
  });
  expect(await (await fetch(`${url}/v1/more`)).json()).toEqual({ origin: url });
  expect(document.paths).toHaveProperty('/v1/more');
  expect(await (await fetch(`${url}/page/a?b`)).text()).toBe('page /page/a?b');
  const bad = await fetch(`${url}/bad`);
  expect([bad.status, await bad.text()]).toEqual([500, expect.not.stringContaining('secret')]);
});

test('a page of another origin may post answers, and nothing else', async () => {
  const { url } = await serverWorld();
  const ask = async (path: string, method: string) => {
    const response = await fetch(url + path, {
      method,
      headers: { origin: 'https://approve.example', 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
    await response.arrayBuffer();
    return [response.status, response.headers.get('access-control-allow-origin')];
  };
  expect(await ask('/v1/answer', 'OPTIONS')).toEqual([204, '*']);
  expect(await ask('/v1/answer', 'POST')).toEqual([400, '*']);
  expect(await ask('/v1/tokens', 'OPTIONS')).toEqual([204, null]);
  expect(await ask('/v1/auth/challenge', 'POST')).toEqual([401, null]);
});

test('options are checked, and unknown ones refused with the nearest', async () => {
  const { server } = await serverWorld();
  const good = {
    storage: server.parts.storage,
    origin: 'https://id.example',
    logger: jsonLogger(() => {}),
    version: '1',
  };
  const refusal = (more: object) => {
    try {
      new XlockServer({ ...good, ...more } as never);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  expect(refusal({})).toBe('taken');
  expect(refusal({ mount: [] })).toContain('did you mean mounts?');
  expect(refusal({ storage: undefined })).toContain('storage is needed');
  expect(refusal({ mounts: [{ path: '/', handle: () => {} }] })).toContain('a path such as /approve');
  expect(refusal({ requestsPerAddress: 0 })).toContain('requestsPerAddress must be');
});

test('the export has the decisions, the anomaly of a fresh device, and no token', async () => {
  const { call, url, device, admin } = await registeredWorld();
  const login = (await call('POST', '/v1/auth/challenge', { userId: 'ada' })).body;
  await device.approve(login.appLink, {
    digits: login.match,
    seenOrigin: url,
    send: post(`${url}/v1/answer`),
  });
  const { body } = await call('GET', '/v1/export');
  expect(body.anomalies).toMatchObject([{ rule: 'new-device' }]);
  expect(JSON.stringify(body)).not.toContain(admin);
  const csv = (await call('GET', '/v1/export?format=csv')).body as string;
  expect(csv.split('\r\n')).toHaveLength(body.entries.length + 2);
  expect(csv).toContain('new-device');
});

test('CSV says who did it, and is what Accept asks for', async () => {
  const { call, url, admin } = await serverWorld();
  await call('POST', '/v1/tokens', { name: 'ops', role: 'operator' });
  const [{ id }] = (await call('GET', '/v1/tokens')).body.tokens;
  const exported = async (accept: string, query = '') => {
    const headers = { authorization: `Bearer ${admin}`, accept };
    const answer = await fetch(`${url}/v1/export${query}`, { headers });
    return [answer.headers.get('content-type')!.split(';')[0], await answer.text()] as const;
  };
  const [type, csv] = await exported('text/csv');
  expect(type).toBe('text/csv');
  const [head, row] = csv.split('\r\n').map((line) => line.split(','));
  expect(row![head!.indexOf('client')]).toBe(id);
  expect(row![head!.indexOf('request')]).toBe('POST /v1/tokens');
  for (const accept of ['*/*', 'application/json', 'text/csv;q=0.5, application/json', 'text/csv;q=0'])
    expect([accept, (await exported(accept))[0]]).toEqual([accept, 'application/json']);
  expect((await exported('text/csv, */*;q=0.1'))[0]).toBe('text/csv');
  expect((await exported('text/csv', '?format=json'))[0]).toBe('application/json');
});
