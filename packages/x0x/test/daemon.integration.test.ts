import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  assertCertificate,
  decodeCertificateFile,
  encodeCardLink,
  encodeCertificateFile,
  issueCertificate,
  makeUserKey,
  X0xClient,
  X0xDaemon,
} from '../src/index.js';
import { afterTest, idOfFailure, keysOf, placesIn, startRelay, temporaryFolder, until } from './support.js';

const other = keysOf('other').id;
const machine = keysOf('machine').id;

const placesOf = ({ node: { identity } }: X0xDaemon) => ({
  identityDir: identity.identityDir,
  dataDir: identity.dataDir,
});

describe('the API of a daemon', () => {
  let folder: string;
  let daemon: X0xDaemon;
  let token: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    daemon = await start();
    token = await readFile(join(placesIn(folder).dataDir, 'api-token'), 'utf8');
  });

  async function start(options = {}) {
    const started = await X0xDaemon.start({ ...placesIn(folder), apiPort: 0, ...options });
    afterTest(() => started.stop());
    return started;
  }

  /** With `node:http`, which lets a test set `Host` and `Origin`. */
  function ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ) {
    return new Promise<{
      status: number;
      body: Record<string, unknown>;
      headers: NodeJS.Dict<string | string[]>;
    }>((resolve, reject) => {
      const sent = request(`http://${daemon.address}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...headers },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            body: JSON.parse(Buffer.concat(parts).toString()),
            headers: response.headers,
          }),
        );
      });
      sent.end(typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body));
    });
  }

  test('says in api.port and api-token where it is, and to whom it answers', async () => {
    const { dataDir } = placesIn(folder);
    expect(await readFile(join(dataDir, 'api.port'), 'utf8')).toBe(daemon.address);
    expect(daemon.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect((await stat(join(dataDir, 'api-token'))).mode & 0o777).toBe(0o600);
    await daemon.stop();
    expect(await idOfFailure(() => readFile(join(dataDir, 'api.port')))).toBeUndefined();
    daemon = await start();
    expect(await readFile(join(dataDir, 'api-token'), 'utf8')).toBe(token);
  });

  test('a token that others may read is not used', async () => {
    await daemon.stop();
    const path = join(placesIn(folder).dataDir, 'api-token');
    await chmod(path, 0o644);
    expect(await idOfFailure(start)).toBe('KEY_FILE_EXPOSED');
    await writeFile(path, 'short', { mode: 0o600 });
    await chmod(path, 0o600);
    expect(await idOfFailure(start)).toBe('KEY_FILE_UNREADABLE');
  });

  test('a second daemon on the directories is refused, and the first goes on', async () => {
    expect(await idOfFailure(start)).toBe('DIRECTORY_IN_USE');
    expect((await ask('GET', '/agent')).status).toBe(200);
    expect(await readFile(join(placesIn(folder).dataDir, 'api.port'), 'utf8')).toBe(daemon.address);
  });

  test('a token in a URL is refused, with and without one in a header, on every route', async () => {
    for (const path of [
      `/agent?token=${token}`,
      `/health?token=x`,
      `/events?api_token=${token}`,
      `/agent?q=${token}`,
      `/agent?TOKEN=1`,
    ]) {
      const answer = await ask('GET', path);
      expect([path, answer.status, answer.body['code']]).toEqual([path, 400, 'UNAUTHORIZED:TOKEN_IN_URL']);
      expect(JSON.stringify(answer.body)).not.toContain(token);
    }
  });

  test.each<[string, Record<string, string>]>([
    ['no token', { authorization: '' }],
    ['a wrong token', { authorization: `Bearer ${'0'.repeat(64)}` }],
    ['a part of it', { authorization: 'Bearer 0' }],
    ['another scheme', { authorization: 'Basic abc' }],
  ])('%s', async (_, headers) => {
    const answer = await ask('GET', '/agent', { headers });
    expect([answer.status, answer.body['ok'], answer.body['code']]).toEqual([401, false, 'UNAUTHORIZED']);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect((await ask('GET', '/health', { headers })).body).toEqual({ ok: true, status: 'healthy' });
  });

  test('pages of browsers are refused, whatever name they found the daemon by', async () => {
    for (const headers of [
      { origin: 'https://example.com' },
      { host: 'rebound.example.com' },
      { origin: 'http://localhost:3000' },
    ])
      expect((await ask('GET', '/agent', { headers })).body['code']).toBe('UNAUTHORIZED:ORIGIN');
  });

  test('who it is', async () => {
    const { agent, machine: own, xlink } = daemon.node.identity;
    expect((await ask('GET', '/agent')).body).toMatchObject({
      ok: true,
      agent_id: agent.id,
      machine_id: own.id,
      user_id: null,
      did: xlink.did,
    });
    expect((await ask('GET', '/agent/user-id')).body).toEqual({ ok: true, user_id: null });
  });

  test('cards, made and imported', async () => {
    const made = await ask('GET', '/agent/card?display_name=My%20Agent');
    expect(made.body['card']).toMatchObject({
      display_name: 'My Agent',
      agent_id: daemon.node.identity.agent.id,
    });
    const elsewhere = await temporaryFolder();
    const friend = await X0xDaemon.start({ ...placesIn(elsewhere), apiPort: 0 });
    afterTest(() => friend.stop());
    const { link } = await friend.node.card({ displayName: 'Friend' });
    const answer = await ask('POST', '/agent/card/import', { body: { card: link, trust_level: 'trusted' } });
    expect(answer.body).toEqual({
      ok: true,
      agent_id: friend.node.identity.agent.id,
      display_name: 'Friend',
      trust_level: 'Trusted',
      trust_change_ignored: false,
      groups: 0,
      stores: 0,
    });
    const again = await ask('POST', '/agent/card/import', { body: { card: link } });
    expect(again.body).toMatchObject({ trust_level: 'Trusted', trust_change_ignored: true });
    const { card } = await friend.node.card();
    const forged = encodeCardLink({ ...card, display_name: 'x' });
    expect((await ask('POST', '/agent/card/import', { body: { card: forged } })).body['code']).toBe(
      'CARD_INVALID:SIGNATURE',
    );
  });

  test('contacts, machines, pins, and what comes of them', async () => {
    const decide = async (machine_id: string) =>
      (await ask('POST', '/trust/evaluate', { body: { agent_id: other, machine_id } })).body['decision'];
    expect(await decide(machine)).toBe('Unknown');
    expect((await ask('POST', '/contacts', { body: { agent_id: other, label: 'Other' } })).status).toBe(201);
    expect(await decide(machine)).toBe('AcceptWithFlag');
    await ask('POST', '/contacts/trust', { body: { agent_id: other, level: 'trusted' } });
    expect(await decide(machine)).toBe('Accept');
    const added = await ask('POST', `/contacts/${other}/machines`, {
      body: { machine_id: machine, label: 'Laptop', pinned: true },
    });
    expect(added.body['machine']).toMatchObject({ machine_id: machine, label: 'Laptop', pinned: true });
    expect(await decide(machine)).toBe('Accept');
    expect(await decide(other)).toBe('RejectMachineMismatch');
    await ask('PATCH', `/contacts/${other}`, { body: { trust_level: 'blocked' } });
    expect(await decide(machine)).toBe('RejectBlocked');
    await ask('PATCH', `/contacts/${other}`, { body: { trust_level: 'known' } });
    expect((await ask('DELETE', `/contacts/${other}/machines/${machine}/pin`)).body).toEqual({
      ok: true,
      unpinned: true,
    });
    expect(await decide(other)).toBe('AcceptWithFlag');
    expect((await ask('GET', `/contacts/${other}/machines`)).body['machines']).toHaveLength(1);
    expect((await ask('DELETE', `/contacts/${other}/machines/${machine}`)).status).toBe(200);
    expect((await ask('GET', '/contacts')).body['contacts']).toMatchObject([
      { agent_id: other, trust_level: 'known', label: 'Other' },
    ]);
    expect((await ask('DELETE', `/contacts/${other}`)).status).toBe(200);
    expect((await ask('DELETE', `/contacts/${other}`)).body['code']).toBe('CONTACT_UNKNOWN');
  });

  test('revocations here and for everybody', async () => {
    await ask('POST', `/contacts/${other}/revoke`, { body: { reason: 'stolen' } });
    await ask('POST', '/contacts/trust', { body: { agent_id: other, level: 'trusted' } });
    expect((await ask('GET', '/contacts')).body['contacts']).toMatchObject([{ trust_level: 'blocked' }]);
    expect((await ask('GET', `/contacts/${other}/revocations`)).body['revocations']).toMatchObject([
      { agent_id: other, reason: 'stolen' },
    ]);
    expect((await ask('POST', '/identity/revoke', { body: { agent_id: other } })).body['code']).toBe(
      'REVOCATION_INVALID:AUTHORITY',
    );
    const { agent, machine: own } = daemon.node.identity;
    const revoked = await ask('POST', '/identity/revoke', { body: { machine_id: own.id, reason: 'sold' } });
    expect(revoked.body).toMatchObject({
      ok: true,
      subject: own.id,
      subject_kind: 'machine',
      issuer: own.id,
      reason: 'sold',
    });
    await ask('POST', '/identity/revoke', { body: { agent_id: agent.id } });
    expect((await ask('GET', '/identity/revocations')).body['revocations']).toHaveLength(2);
  });

  test('signatures for applications', async () => {
    const payload_b64 = Buffer.from('manifest').toString('base64');
    const { body: signed } = await ask('POST', '/agent/sign', {
      body: { context: 'my-app-v1', payload_b64 },
    });
    expect(signed).toMatchObject({
      ok: true,
      algorithm: 'x0x.agent-sign.v2.ml-dsa-65',
      context: 'my-app-v1',
    });
    const { signature_b64, public_key_b64 } = signed;
    const verify = async (more: object) =>
      (
        await ask('POST', '/agent/verify', {
          body: { context: 'my-app-v1', payload_b64, signature_b64, public_key_b64, ...more },
        })
      ).body;
    expect(await verify({})).toMatchObject({ ok: true, valid: true });
    expect(await verify({ context: 'my-app-v2' })).toMatchObject({ ok: true, valid: false });
    expect(await verify({ signature_b64: 'AAAA' })).toMatchObject({
      ok: false,
      code: 'REQUEST_INVALID',
      field: 'signature_b64',
    });
    expect(await verify({ algorithm: null })).toMatchObject({
      ok: false,
      code: 'REQUEST_INVALID',
      field: 'algorithm',
    });
    const reserved = await ask('POST', '/agent/sign', { body: { context: 'certificate', payload_b64 } });
    expect(reserved.body).toMatchObject({ ok: false, code: 'REQUEST_INVALID', field: 'context' });
  });

  test.each<[string, string, string, unknown, string]>([
    ['a route that there is not', 'GET', '/groups', undefined, '404 NOT_FOUND'],
    ['another method', 'DELETE', '/agent', undefined, '405 METHOD_NOT_ALLOWED'],
    ['no JSON', 'POST', '/announce', '{', '400 REQUEST_INVALID'],
    ['no object', 'POST', '/announce', '[]', '400 REQUEST_INVALID'],
    ['a member that there is not', 'POST', '/announce', { consent: true }, '400 REQUEST_INVALID'],
    ['a text for a flag', 'POST', '/announce', { human_consent: 'true' }, '400 REQUEST_INVALID'],
    ['no consent', 'POST', '/announce', { include_user_identity: true }, '400 CONSENT_MISSING'],
    ['no relay', 'POST', '/announce', {}, '503 NOT_CONNECTED'],
    ['no id', 'POST', '/contacts/trust', { agent_id: 'x', level: 'known' }, '400 KEY_INVALID'],
    ['no level', 'POST', '/contacts/trust', { agent_id: other, level: 'friend' }, '400 TRUST_LEVEL_UNKNOWN'],
    ['no id in the path', 'DELETE', '/contacts/..', undefined, '404 NOT_FOUND'],
    [
      'both subjects',
      'POST',
      '/identity/revoke',
      { agent_id: other, machine_id: other },
      '400 REQUEST_INVALID',
    ],
    [
      'an agent that is not known',
      'POST',
      '/direct/send',
      { agent_id: other, payload: '' },
      '503 NOT_CONNECTED',
    ],
    ['1 MiB', 'POST', '/agent/card/import', { card: 'x'.repeat(1024 * 1024) }, '413 REQUEST_TOO_LARGE'],
  ])('%s', async (_, method, path, body, wanted) => {
    const answer = await ask(method, path, { body });
    expect(`${answer.status} ${answer.body['code']}`).toBe(wanted);
    expect(answer.body).toMatchObject({ ok: false, error: expect.any(String) });
  });

  test('announces with consent, which lasts until the restart; a stale certificate is issued anew', async () => {
    await daemon.stop();
    const relayUrl = await startRelay();
    const userId = await makeUserKey(placesIn(folder));
    const { identityDir } = placesIn(folder);
    const certificate = async () =>
      decodeCertificateFile(new Uint8Array(await readFile(join(identityDir, 'agent.cert'))));
    const friendFolder = await temporaryFolder();
    const friend = await X0xDaemon.start({ ...placesIn(friendFolder), apiPort: 0, relayUrl });
    afterTest(() => friend.stop());
    const announced = async (by: X0xDaemon) => {
      const { id } = by.node.identity.agent;
      return friend.node.discovery.get(id, friend.node.now());
    };

    daemon = await start({ relayUrl, heartbeatMs: 1000 });
    await daemon.node.importCard((await friend.node.card()).link);
    await friend.node.importCard((await daemon.node.card()).link);
    expect((await ask('POST', '/announce', { body: { human_consent: true } })).body).toMatchObject({
      include_user_identity: false,
    });
    expect(daemon.node.hasConsent).toBe(false);
    const both = { include_user_identity: true, human_consent: true };
    expect((await ask('POST', '/announce', { body: both })).body).toMatchObject({
      ok: true,
      include_user_identity: true,
      peers: 1,
    });
    expect(daemon.node.hasConsent).toBe(true);
    const agentId = daemon.node.identity.agent.id;
    await until(
      'the friend knows the human',
      () => friend.node.discovery.get(agentId, friend.node.now())?.userId === userId,
    );

    // Somebody put a certificate of another agent in its place: the next heartbeat does not use it.
    const foreign = issueCertificate(daemon.node.identity.user!, keysOf('other').publicKey, 1_700_000_000);
    await writeFile(join(identityDir, 'agent.cert'), encodeCertificateFile(foreign));
    const seen = daemon.node.now() + 2; // no heartbeat that was under way
    await until(
      'another heartbeat',
      () => (friend.node.discovery.get(agentId, friend.node.now())?.announcedAt ?? 0) > seen,
    );
    assertCertificate(await certificate(), { now: daemon.node.now(), agentId, userId });
    expect((await announced(daemon))!.userId).toBe(userId); // sticky: that was a heartbeat

    await daemon.stop();
    daemon = await start({ relayUrl });
    expect(daemon.node.hasConsent).toBe(false);
  });

  test('direct messages as they come, and those that came before somebody listened', async () => {
    await daemon.stop();
    const relayUrl = await startRelay();
    daemon = await start({ relayUrl });
    const friend = await X0xDaemon.start({ ...placesIn(await temporaryFolder()), apiPort: 0, relayUrl });
    afterTest(() => friend.stop());
    await daemon.node.importCard((await friend.node.card()).link);
    await friend.node.importCard((await daemon.node.card()).link);
    const friendAsks = await X0xClient.local(placesOf(friend));
    const send = (text: string) =>
      friendAsks.request('POST', '/direct/send', {
        agent_id: daemon.node.identity.agent.id,
        payload: Buffer.from(text).toString('base64'),
      });
    await send('early');
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${token}` };
    const stream = await fetch(`http://${daemon.address}/direct/events`, { headers, signal: abort.signal });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    let seen = '';
    const reading = (async () => {
      for await (const part of stream.body!.pipeThrough(new TextDecoderStream())) seen += part;
    })().catch(() => {});
    const payloads = () =>
      [...seen.matchAll(/event: direct_message\ndata: (.*)\n\n/g)].map(([, data]) => JSON.parse(data!));
    await until('the early one', () => payloads().length === 1);
    await send('late');
    await until('the late one', () => payloads().length === 2);
    expect(payloads().map(({ payload }) => Buffer.from(payload, 'base64').toString())).toEqual([
      'early',
      'late',
    ]);
    expect(payloads()[0]).toMatchObject({
      sender: friend.node.identity.agent.id,
      trust_decision: 'accept_with_flag',
    });
    abort.abort();
    await reading;
    expect((await fetch(`http://${daemon.address}/direct/events`)).status).toBe(401);
  });

  test('its own client', async () => {
    const client = await X0xClient.local(placesIn(folder));
    expect(await client.isUp()).toBe(true);
    expect(await client.agent()).toMatchObject({ agent_id: daemon.node.identity.agent.id });
    expect(await client.userId()).toBeUndefined();
    expect(await client.importCard(await client.cardLink('Me'))).toMatchObject({ display_name: 'Me' });
    await client.setTrust(other, 'blocked');
    expect(await client.evaluate(other, machine)).toBe('RejectBlocked');
    expect(await client.sign('my-app', new Uint8Array(3))).toHaveLength(3309);
  });
});
