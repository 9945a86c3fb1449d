import { describe, expect, test } from '@jest/globals';
import { Agent, connect } from '@private.me/xlink';
import express from 'express';
import { listen } from '../support/listen.js';
import { KEY, LOCAL, postJson, serveApi, serveHandmade } from './support.js';

describe('connect()', () => {
  test('finds a service by name, and its fetch needs no more than a path', async () => {
    const api = await serveApi();
    const { url: registryUrl } = await listen((req, res) => {
      res.writeHead(req.url === '/services/orders' ? 200 : 404, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify({ url: api.url, did: api.agent.did }));
    });
    const connection = await connect('orders', { ...LOCAL, registryUrl, apiKey: KEY });
    expect(connection.value).toMatchObject({
      did: api.agent.did,
      name: 'orders',
      url: api.url,
      versions: [1, 2],
      mode: 'hybrid',
    });
    const answer = await connection.value!.fetch('/orders', postJson({ item: 'tea' }));
    expect(await answer.json()).toMatchObject({ mode: 'xlink', body: { item: 'tea' } });
    expect(api.count('/.well-known/xlink.json')).toBe(1);
    expect((await connect('nobody', { ...LOCAL, registryUrl })).error?.id).toBe('DISCOVERY_FAILED');
  });

  test.each([[{}], [undefined], [{ url: 'https://api.example.com' }], ['']])(
    'says what comes first, where that is %j',
    async (target) => {
      const { error } = await connect(target as never);
      expect(error).toMatchObject({
        id: 'DISCOVERY_FAILED',
        field: 'target',
        message: expect.stringContaining('Pass a name, a domain or a URL first'),
      });
    },
  );

  test('uses an agent that was given, and gives the service no rights in its registry', async () => {
    const api = await serveApi();
    const agent = await Agent.quickstart();
    for (let time = 0; time < 2; time++) {
      const connection = await connect(api.url, { ...LOCAL, agent });
      expect(connection.value!.agent).toBe(agent);
    }
    expect(await agent.registry.lookup(api.agent.did)).toBeUndefined();
  });

  test('sends envelopes to the URL of the service, as in the papers', async () => {
    const agent = await Agent.quickstart();
    const received: unknown[] = [];
    const app = express();
    app.get('/.well-known/xlink.json', async (req, res) => {
      const keyRecord = await agent.keyRecord();
      const issuedAt = Date.now();
      const notAfter = issuedAt + 300_000;
      const rest = { versions: [1, 2], mode: 'xlink-only', acceptsEnvelopes: true, publicPaths: [] } as const;
      const hosts = [req.headers.host!];
      const { did } = agent;
      res.json(
        await agent.signDiscovery({ did, keyRecord, ...rest, hosts, endpoints: {}, issuedAt, notAfter }),
      );
    });
    app.post('/xlink', agent.middleware(), (req, res) => {
      received.push(req.body);
      res.status(202).end();
    });
    const url = `${(await listen(app)).url}/xlink`;
    const connection = (await connect(url, LOCAL)).value!;
    const to = connection.did;
    const refused = await connection.agent.send({ to, payload: { amount: 100 }, scope: 'payments' });
    expect(refused.error?.id).toBe('SEND_FAILED');
    const keys = await connection.agent.keyRecord();
    await agent.registry.register({ did: connection.agent.did, keys, sendScopes: ['payments'] });
    expect((await connection.agent.send({ to, payload: { amount: 100 }, scope: 'payments' })).ok).toBe(true);
    expect(received).toEqual([{ amount: 100 }]);
    await connection.agent.registry.register({ did: to, receiveScopes: ['other'] });
    const denied = await connection.agent.send({ to, payload: {}, scope: 'payments' });
    expect(denied.error?.id).toBe('RECEIVER_SCOPE_DENIED'); // the registry has the last word
  });

  test('pins the DID it has found', async () => {
    const handmade = await serveHandmade();
    let later = 0;
    const agent = await Agent.quickstart();
    const connection = await connect(handmade.url, {
      ...LOCAL,
      agent,
      apiKey: KEY,
      clock: () => Date.now() + later,
    });
    expect((await connection.value!.fetch('/a')).status).toBe(200);
    handmade.signer = await Agent.quickstart();
    later = 300_001;
    await expect(connection.value!.fetch('/a')).rejects.toMatchObject({
      id: 'DISCOVERY_FAILED:OTHER_IDENTITY',
    });
  });

  test('never throws', async () => {
    expect((await connect('https://10.0.0.1')).error?.id).toBe('DISCOVERY_FAILED:PRIVATE_ADDRESS');
    expect((await connect(undefined as never)).error?.id).toBe('DISCOVERY_FAILED');
    expect((await connect('a', { registyUrl: 'x' } as never)).error).toMatchObject({
      id: 'INVALID_OPTION',
      hint: expect.stringContaining('did you mean registryUrl?'),
    });
    expect((await connect('a', { signal: AbortSignal.abort() })).ok).toBe(false);
  });
});
