import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentMessage,
  FileTrustRegistry,
  Invites,
  identityFromFile,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import express, { type Request as Req } from 'express';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('Agent.lazy with an invite', () => {
  let server: Server;
  let billing: Agent;
  let invites: Invites;
  const messages: AgentMessage[] = [];

  beforeEach(async () => {
    messages.length = 0;
    const app = express();
    server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    billing = await Agent.quickstart({ name: 'billing', registry: new MemoryTrustRegistry() });
    invites = new Invites({ agent: billing, url: `${origin}/xlink` });
    app.post('/xlink/invite', express.text({ type: () => true }), async (req, res) => {
      const answer = await invites.handle(
        new Request(`${origin}${req.url}`, { method: 'POST', body: String(req.body) }),
      );
      res
        .status(answer.status)
        .set(Object.fromEntries(answer.headers))
        .send(await answer.text());
    });
    app.post('/xlink', billing.middleware(), (req: Req & { agentMessage?: AgentMessage }, res) => {
      messages.push(req.agentMessage!);
      res.sendStatus(204);
    });
  });
  afterEach(() => {
    delete process.env['XLINK_INVITE_CODE'];
    server.closeAllConnections();
    server.close();
  });

  const message = () => ({ to: billing.did, payload: { n: 1 }, scope: 'integration' });

  test('from the environment: the first message is sent, and nothing else is to be set up', async () => {
    process.env['XLINK_INVITE_CODE'] = (await invites.create({ scopes: ['integration'] })).code;
    const agent = Agent.lazy({ name: 'my-service' });
    const sent = await agent.send(message());
    expect(sent).toMatchObject({ ok: true });
    expect(messages).toMatchObject([{ sender: agent.did, payload: { n: 1 }, encrypted: true }]);
    expect(await billing.registry.lookup(agent.did)).toMatchObject({
      name: 'my-service',
      sendScopes: ['integration'],
    });
    agent.dispose();
  });

  test('of many first messages at once, it is accepted once', async () => {
    const { code } = await invites.create({ scopes: ['integration'] });
    let accepted = 0;
    invites.onAccepted(() => void accepted++);
    const agent = Agent.lazy({ invite: code });
    const all = await Promise.all(Array.from({ length: 5 }, () => agent.send(message())));
    expect(all.map(({ ok }) => ok)).toEqual(Array(5).fill(true));
    expect([accepted, messages.length]).toEqual([1, 5]);
    agent.dispose();
  });

  test('with an identity of its own it is good after a restart, too', async () => {
    const { code } = await invites.create({ scopes: ['integration'] });
    const path = join(await temporaryFolder(), 'identity.der');
    for (let start = 0; start < 2; start++) {
      const agent = Agent.lazy({ invite: code, identity: () => identityFromFile(path) });
      expect(await agent.send(message())).toMatchObject({ ok: true });
      agent.dispose();
    }
    expect(new Set(messages.map(({ sender }) => sender)).size).toBe(1);
  });

  test('with a registry that lasts it asks once, and not again after a restart', async () => {
    const { code } = await invites.create({ scopes: ['integration'] });
    const folder = await temporaryFolder();
    let accepted = 0;
    invites.onAccepted(() => void accepted++);
    for (let start = 0; start < 2; start++) {
      const registry = new FileTrustRegistry({ path: join(folder, 'registry.jsonl') });
      const identity = () => identityFromFile(join(folder, 'identity.der'));
      const agent = Agent.lazy({ invite: code, identity, registry });
      expect(await agent.send(message())).toMatchObject({ ok: true });
      agent.dispose();
      await registry.close();
    }
    expect([accepted, messages.length]).toEqual([1, 2]);
  });

  test('says what is wrong with the invite, and goes on once it is mended', async () => {
    const [made, taken] = [
      await invites.create({ scopes: ['integration'] }),
      await invites.create({ scopes: ['integration'] }),
    ];
    await invites.revoke(taken.number);
    const refused = await Agent.lazy({ invite: taken.code }).send(message());
    expect(refused).toMatchObject({ ok: false, error: { id: 'INVITATION_REFUSED:REVOKED' } });
    expect(messages).toEqual([]);
    expect(() => Agent.lazy({ invite: 'XLK-abc123def456' })).toThrow(
      expect.objectContaining({ id: 'INVITATION_REFUSED:MALFORMED' }),
    );
    expect(() => Agent.lazy({ invit: made.code } as object)).toThrow(/did you mean invite/);
    const other = Agent.lazy({ invite: made.code });
    expect(await other.send({ ...message(), scope: 'admin' })).toMatchObject({
      ok: false,
      error: { id: 'RECEIVER_SCOPE_DENIED' },
    });
    expect(await other.send(message())).toMatchObject({ ok: true });
    other.dispose();
  });
});
