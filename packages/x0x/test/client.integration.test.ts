import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  decodeCardLink,
  encodeCardLink,
  signCard,
  signExternally,
  verifyExternally,
  X0xClient,
  X0xNode,
} from '../src/index.js';
import { afterTest, failureOf, idOfFailure, keysOf, openNode, placesIn, temporaryFolder } from './support.js';

const TOKEN = 'a'.repeat(64);
const agent = keysOf('agent');
const machine = keysOf('machine');

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly authorization: string | undefined;
}

/**
 * Answers as `x0xd` 0.39.3 does: src/server/routes/identity.rs lines 84-100, 270-300, 374-470 and 775-815, contacts.rs, trust.rs, and
 * src/server/auth.rs line 128 for a token that is wrong.
 */
async function fakeDaemon() {
  const asked: Asked[] = [];
  const server = createServer(async (req, res) => {
    const body = await json(req);
    const { authorization } = req.headers;
    asked.push({ method: req.method!, path: req.url!, body, authorization });
    const [status, answer] = answerTo(`${req.method} ${req.url!.split('?')[0]}`, body, authorization);
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => {
    server.close();
    server.closeAllConnections();
  });
  return { asked, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function json(req: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  return parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString());
}

function answerTo(route: string, body: Record<string, unknown>, authorization?: string): [number, unknown] {
  if (route === 'GET /health')
    return [200, { ok: true, status: 'healthy', version: '0.39.3', peers: 4, uptime_secs: 7 }];
  if (authorization !== `Bearer ${TOKEN}`)
    return [401, { error: 'missing or invalid Authorization: Bearer token' }];
  switch (route) {
    case 'GET /agent':
      return [
        200,
        { ok: true, agent_id: agent.id, machine_id: machine.id, user_id: null, kem_public_key_b64: 'AAAA' },
      ];
    case 'GET /agent/user-id':
      return [200, { ok: true, user_id: null }];
    case 'GET /agent/card': {
      const card = signCard(agent, {
        display_name: 'Upstream',
        agent_id: agent.id,
        machine_id: machine.id,
        addresses: ['203.0.113.7:5483'],
        groups: [],
        stores: [],
        created_at: 1_760_000_000,
      });
      return [200, { ok: true, card, link: encodeCardLink(card) }];
    }
    case 'POST /agent/card/import': {
      if (typeof body['card'] !== 'string' || !body['card'].startsWith('x0x://agent/'))
        return [400, { ok: false, error: 'invalid card: invalid base64' }];
      const { agent_id, display_name } = decodeCardLink(body['card']);
      const trust_level = 'Known';
      return [
        200,
        { ok: true, agent_id, display_name, trust_level, trust_change_ignored: false, groups: 0, stores: 0 },
      ];
    }
    case 'POST /announce':
      if (body['include_user_identity'] === true && body['human_consent'] !== true)
        return [400, { ok: false, error: 'human identity disclosure requires explicit human consent' }];
      return [200, { ok: true, include_user_identity: body['include_user_identity'] ?? false }];
    case 'GET /contacts':
      return [
        200,
        {
          ok: true,
          contacts: [
            { agent_id: machine.id, trust_level: 'known', label: null, added_at: 1, last_seen: null },
          ],
        },
      ];
    case 'POST /contacts/trust':
      return [200, { ok: true }];
    case 'POST /trust/evaluate':
      return [200, { ok: true, decision: 'RejectMachineMismatch' }];
    case 'POST /agent/sign': {
      const payload = Buffer.from(String(body['payload_b64']), 'base64');
      const signature = signExternally(agent, String(body['context']), payload);
      return [
        200,
        { ok: true, agent_id: agent.id, signature_b64: Buffer.from(signature).toString('base64') },
      ];
    }
    default:
      return [404, { ok: false, error: 'not found' }];
  }
}

describe('a daemon of x0x on this machine', () => {
  const connected = async () => {
    const { asked, address } = await fakeDaemon();
    return { asked, client: new X0xClient({ baseUrl: `http://${address}`, token: TOKEN }) };
  };

  test('is found by api.port and api-token, as it writes them, and gets the token only if that is wanted: it proves nothing', async () => {
    const { asked, address } = await fakeDaemon();
    const folder = await temporaryFolder();
    const { dataDir } = placesIn(folder);
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, 'api.port'), `${address}\n`);
    await writeFile(join(dataDir, 'api-token'), TOKEN);
    const proven = await X0xClient.local(placesIn(folder));
    expect(await proven.isUp()).toBe(false);
    expect(await idOfFailure(() => proven.agent())).toBe('DAEMON_UNREACHABLE:UNPROVEN');
    expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    const client = await X0xClient.local({ ...placesIn(folder), unproven: true });
    expect(await client.isUp()).toBe(true);
    expect(await client.agent()).toMatchObject({ agent_id: agent.id, machine_id: machine.id, user_id: null });
    expect(await idOfFailure(() => X0xClient.local(placesIn(folder, 'other')))).toBe('DAEMON_UNREACHABLE');
  });

  test('that runs has its directories to itself', async () => {
    const { address } = await fakeDaemon();
    const folder = await temporaryFolder();
    const { dataDir } = placesIn(folder);
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, 'api.port'), address);
    await writeFile(join(dataDir, 'api-token'), TOKEN);
    expect(await idOfFailure(() => X0xNode.open(placesIn(folder)))).toBe('DIRECTORY_IN_USE');
    await writeFile(join(dataDir, 'api.port'), '127.0.0.1:1'); // it was killed, and left that behind
    expect((await openNode(folder, 'agent')).identity.agent.id).toMatch(/^[0-9a-f]{64}$/);
  });

  test('says who it is, and signs its card', async () => {
    const { client, asked } = await connected();
    expect(await client.userId()).toBeUndefined();
    expect(decodeCardLink(await client.cardLink('My Agent'))).toMatchObject({
      display_name: 'Upstream',
      agent_id: agent.id,
    });
    expect(asked.at(-1)).toMatchObject({
      method: 'GET',
      path: '/agent/card?display_name=My+Agent',
      authorization: `Bearer ${TOKEN}`,
    });
  });

  test('imports, announces, trusts, signs', async () => {
    const { client, asked } = await connected();
    expect(await client.importCard(await client.cardLink(), 'known')).toMatchObject({ trust_level: 'Known' });
    expect(asked.at(-1)?.body).toMatchObject({ trust_level: 'known' });
    expect(await client.announce({ include_user_identity: true, human_consent: true })).toEqual({
      include_user_identity: true,
    });
    expect(await client.contacts()).toHaveLength(1);
    await client.setTrust(machine.id, 'trusted');
    expect(asked.at(-1)).toMatchObject({
      path: '/contacts/trust',
      body: { agent_id: machine.id, level: 'trusted' },
    });
    expect(await client.evaluate(agent.id, machine.id)).toBe('RejectMachineMismatch');
    const signature = await client.sign('my-app', Buffer.from('payload'));
    expect(verifyExternally(agent.publicKey, 'my-app', Buffer.from('payload'), signature)).toBe(true);
  });

  test('what it refuses is told, with what it said', async () => {
    const { client } = await connected();
    const failure = await failureOf(() => client.announce({ include_user_identity: true }));
    expect(failure).toMatchObject({
      id: 'DAEMON_REFUSED',
      detail: 'human identity disclosure requires explicit human consent',
    });
    expect(await idOfFailure(() => client.request('GET', '/none'))).toBe('DAEMON_REFUSED');
  });

  test('a token that is wrong, and one that would travel in the open', async () => {
    const { address } = await fakeDaemon();
    const client = new X0xClient({ baseUrl: `http://${address}`, token: 'b'.repeat(64) });
    const failure = await failureOf(() => client.agent());
    expect(failure).toMatchObject({ id: 'DAEMON_REFUSED' });
    expect(failure.message).not.toContain('b'.repeat(64));
    for (const baseUrl of ['http://192.0.2.1:12700', 'http://example.com', 'ftp://localhost', 'nothing'])
      expect(await idOfFailure(() => new X0xClient({ baseUrl, token: TOKEN }))).toBe('INVALID_OPTION');
    expect(await idOfFailure(() => new X0xClient({} as never))).toBe('INVALID_OPTION');
  });

  test('that does not answer, or not with JSON', async () => {
    const server = createServer((_, res) => res.end('<html>')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new X0xClient({ baseUrl, token: TOKEN });
    expect(await idOfFailure(() => client.agent())).toBe('DAEMON_ANSWER_INVALID');
    server.close();
    server.closeAllConnections();
    expect(await idOfFailure(() => client.agent())).toBe('DAEMON_UNREACHABLE');
    expect(await client.isUp()).toBe(false);
  });
});
