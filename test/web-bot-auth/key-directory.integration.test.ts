import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { WebBotAuth } from '@private.me/xlink/web-bot-auth';
import { httpbis } from 'http-message-signatures';
import { digestOf, signedSent } from '../signature/support.js';
import { json } from '../support/http.js';
import { STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';

const PATH = '/.well-known/http-message-signatures-directory';
const TYPE = 'application/http-message-signatures-directory+json';
const HOST = 'agent.example';
const ON = { keyDirectory: true, hosts: [HOST, 'other.example:8443'] };

interface Jwk {
  readonly x: string;
  readonly kid: string;
}

/** As the draft has it, and with nothing of ours: the key's thumbprint, and the possession proof. */
function expectProof(headers: Readonly<Record<string, unknown>>, text: string, host: string): Jwk {
  const { keys } = JSON.parse(text);
  expect(keys).toHaveLength(1);
  const [jwk] = keys;
  const canonical = `{"crv":"Ed25519","kty":"OKP","x":"${jwk.x}"}`;
  expect(jwk).toEqual({
    kty: 'OKP',
    crv: 'Ed25519',
    use: 'sig',
    x: jwk.x,
    kid: createHash('sha256').update(canonical).digest('base64url'),
  });
  expect(headers['content-digest']).toBe(digestOf(text));
  const params = /^directory=(.*)$/.exec(String(headers['signature-input']))![1]!;
  expect(params).toMatch(
    new RegExp(
      `^\\("@authority";req "content-digest"\\);created=\\d+;expires=\\d+;keyid="${jwk.kid}";alg="ed25519";tag="http-message-signatures-directory"$`,
    ),
  );
  const base = `"@authority";req: ${host}\n"content-digest": ${headers['content-digest']}\n"@signature-params": ${params}`;
  const signature = /^directory=:(.*):$/.exec(String(headers['signature']))![1]!;
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  expect(verify(null, Buffer.from(base), key, Buffer.from(signature, 'base64'))).toBe(true);
  return jwk;
}

describe.each(STAGES)('$name', ({ serve }) => {
  test('serves the key directory without credentials, by option', async () => {
    const known = await World.withCaller();
    const service = await serve(known, ON);
    const { status, headers, text } = await service.send({ path: PATH, headers: { host: HOST } });
    expect([status, headers['content-type']]).toEqual([200, TYPE]);
    expect(headers['cache-control']).toContain('max-age=');
    expectProof(headers, text, HOST);
    const head = await service.send({ method: 'HEAD', path: PATH });
    expect([head.status, head.text]).toEqual([200, '']);
    expect((await service.send({ method: 'POST', path: PATH })).status).toBe(401);
  });
});

describe('the key directory', () => {
  test('is signed for the hosts of the service only, and once an hour', async () => {
    const known = await World.withCaller();
    const service = await known.serve({ ...ON, clock: known.clock });
    const ask = (host: string) => service.send({ path: PATH, headers: { host } });
    const other = await ask('other.example:8443');
    expectProof(other.headers, other.text, 'other.example:8443');
    const first = await ask(HOST);
    const made = await ask('made-up.example');
    expectProof(made.headers, made.text, HOST);
    expect(made.headers['signature']).toBe(first.headers['signature']);
    known.clock.advance(3_600_001);
    expect((await ask(HOST)).headers['signature']).not.toBe(first.headers['signature']);
  });

  test('is not there by default, and needs hosts', async () => {
    const known = await World.withCaller();
    const service = await known.serve();
    await service.refused({ path: PATH }, '401 CREDENTIALS_MISSING');
    await expect(known.serve({ keyDirectory: true })).rejects.toMatchObject({
      id: 'INVALID_OPTION',
      field: 'hosts',
    });
  });

  test('of an agent without an adapter is an answer to send', async () => {
    const { caller } = await World.withCaller();
    const { headers, body } = await caller.signKeyDirectory('Agent.Example');
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    expectProof(lower, body, 'agent.example');
  });
});

describe('an agent that serves its directory', () => {
  /** Signs as a client of Web Bot Auth does, by a library that knows RFC 9421 and nothing of us. */
  async function signedByLibrary(caller: WorldWithCaller['caller'], keyid: string, created: Date) {
    const key = createPrivateKey({
      key: Buffer.from(await caller.exportPKCS8()),
      format: 'der',
      type: 'pkcs8',
    });
    const { headers } = await httpbis.signMessage(
      {
        key: { id: keyid, alg: 'ed25519', sign: async (data) => sign(null, data, key) },
        name: 'sig',
        fields: ['@authority', 'signature-agent;key="sig"'],
        params: ['created', 'expires', 'keyid', 'alg', 'tag'],
        paramValues: { created, expires: new Date(created.getTime() + 300_000), tag: 'web-bot-auth' },
      },
      {
        method: 'GET',
        url: 'https://api.example/orders',
        headers: { 'signature-agent': `sig="https://${HOST}"` },
      },
    );
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
  }

  test('is recognized elsewhere, and let in only as what it is enrolled', async () => {
    const known = await World.withCaller();
    const { caller, clock } = known;
    const directory = await known.serve({ ...ON, agent: caller });
    const bots = new WebBotAuth({
      origins: [`https://${HOST}`],
      hosts: ['api.example'],
      clock,
      fetch: (url, init) =>
        fetch(String(url).replace(`https://${HOST}`, `http://127.0.0.1:${directory.port}`), init),
    });
    const { kid } = (JSON.parse((await directory.send({ path: PATH })).text) as { keys: [Jwk] }).keys[0];
    const signed = await signedByLibrary(caller, kid, new Date(clock()));
    const request = { method: 'GET', url: '/orders', headers: { ...signed, host: 'api.example' } };
    expect(await bots.recognize(request)).toMatchObject({
      outcome: 'verified',
      agent: `https://${HOST}${PATH}`,
      did: caller.did,
    });

    const api = await known.serve({ signatures: true });
    await api.refused({ headers: request.headers }, '401 CREDENTIALS_MISSING'); // recognized is not authenticated
    const both = await signedSent(known, json({ a: 1 }));
    const { headers } = both;
    const beside = {
      ...both,
      headers: {
        ...headers,
        host: 'api.example',
        'signature-agent': signed['signature-agent'],
        'signature-input': `${headers['signature-input']}, ${signed['signature-input']}`,
        signature: `${headers['signature']}, ${signed['signature']}`,
      },
    };
    const { auth, headers: seen } = await api.accepted(beside as never);
    expect(auth).toMatchObject({ did: caller.did, form: 'signature' });
    expect(seen['signature-input']).toContain('web-bot-auth'); // not ours alone, so handlers have it
    expect(await bots.recognize({ headers: seen as never })).toMatchObject({
      outcome: 'verified',
      did: caller.did,
    });
  });
});
