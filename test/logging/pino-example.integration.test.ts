import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from '@jest/globals';
// @ts-expect-error The example is plain JavaScript.
import { openApp } from '../../examples/logging/pino.mjs';
import { json, listen, type Sent, send } from '../support/http.js';

const GOOD = 'sk_demo_4f7a';

async function serve() {
  let text = '';
  const { app } = await openApp({ write: (line: string) => void (text += line) });
  const server = createServer(app);
  const { port } = await listen(server);
  let open = 0;
  server.on('request', (_, res) => {
    open += 1;
    res.once('close', () => {
      open -= 1;
      server.emit('over');
    });
  });
  return {
    text: () => text,
    lines: () =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    async send(sent: Sent) {
      const answer = await send(port, sent);
      while (open > 0) await once(server, 'over');
      return answer;
    },
  };
}

test('a request is one line of the application and one of xLink', async () => {
  const service = await serve();
  expect(
    (
      await service.send({
        ...json({ item: 'tea' }, { headers: { 'x-api-key': GOOD } }),
        path: '/orders?page=1',
      })
    ).status,
  ).toBe(201);
  expect((await service.send({})).status).toBe(401);
  const lines = service.lines().filter(({ xlink }) => xlink?.type !== 'mode');
  expect(lines.map(({ msg }) => msg).toSorted()).toEqual(
    [
      'request',
      'request',
      'xlink: request accepted',
      'xlink: request refused, CREDENTIALS_MISSING',
    ].toSorted(),
  );
  expect(lines.find(({ msg, res }) => msg === 'request' && res.statusCode === 201).req).toMatchObject({
    method: 'POST',
    url: '/orders?page=1',
    headers: { 'x-api-key': '[redacted]', 'content-type': 'application/json' },
  });
  expect(lines.find(({ msg }) => msg === 'xlink: request accepted')).toMatchObject({
    component: 'xlink',
    level: 20,
    xlink: { type: 'request', method: 'api-key', outcome: 'accepted', route: '/orders', status: 201 },
  });
});

test('no credential gets into the log, however its header is spelt, and not by way of the URL or a failing handler', async () => {
  const service = await serve();
  const canaries: string[] = [GOOD];
  const canary = () => {
    canaries.push(`canary-${canaries.length}-${Math.random().toString(36).slice(2)}`);
    return canaries.at(-1)!;
  };
  const names =
    `Authorization Authorization Authorizaton Autorization AUTHORIZATION Proxy-Authorization X-API-Key x-api-kye
    X_API_KEY X-APIKEY Api_Key ApiKey X-Auth-Token X-Auth-Tokn Cookie Cookei X-Session X-Secret Xlink-Envelope Xlink-Envelop
    X-Client-Credential X-Passwrd`.split(/\s+/);
  const parameters = 'api_key apikye apiKey key token access_token tokn password secret sessionid'.split(' ');
  const paths = ['/orders', '/broken', '/nowhere'];
  let at = 0;
  for (const name of names)
    for (const scheme of ['', 'Bearer ', 'ApiKey '])
      for (const key of [{}, { 'x-api-key': GOOD }])
        await service.send({ path: paths[at++ % 3]!, headers: { ...key, [name]: scheme + canary() } });
  for (const name of parameters)
    for (const headers of [{ 'x-api-key': GOOD }, {}])
      await service.send({ path: `${paths[at++ % 3]}?${name}=${canary()}&page=1`, headers });
  for (const scheme of ['Bearer ', 'ApiKey ', 'Xlink ', 'Basic '])
    await service.send({
      headers: {
        'x-api-key': GOOD,
        'x-note': scheme + canary(),
        referer: `https://x.example/?token=${canary()}`,
      },
    });
  await service.send({ ...json({}, { headers: { 'x-api-key': GOOD } }), body: canary() }); // no JSON
  await service.send(json({ item: canary() }, { headers: { 'x-api-key': GOOD } }));

  expect(canaries.length).toBeGreaterThan(150);
  expect(service.lines().length).toBeGreaterThan(150);
  expect(canaries.filter((text) => service.text().includes(text))).toEqual([]);
  expect(service.text()).toContain('"msg":"handler failed"');
});
