import { describe, expect, test } from '@jest/globals';
import {
  type Agent,
  Agent as AgentClass,
  acceptInvite,
  MemoryTrustRegistry,
  readInvite,
} from '@private.me/xlink';
import { type Browser, chromium, type Page } from 'playwright-core';
import { describeWith, findProgram, until } from '../support/needs.js';
import { startServer } from './program.js';
import { afterTest, request, seedOf, startHere, temporaryFolder, unwrap } from './support.js';

const agentOf = async (name: string): Promise<Agent> =>
  unwrap(await AgentClass.fromSeed({ seed: seedOf(name), name, registry: new MemoryTrustRegistry() }));

const codeOf = async (accepting: Promise<unknown>): Promise<string> => {
  const error = await accepting.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return (error as { id?: string } | undefined)?.id ?? 'accepted';
};

describe('invites of the server', () => {
  test('let one identity in, with what was granted; each is in the registry of the other', async () => {
    const server = await startHere();
    const { json: bob } = await server.send('POST', '/v1/agents', { name: 'bob', scopes: ['*'] });
    const made = await server.send('POST', '/v1/invites', {
      agent: bob.did,
      scopes: ['orders'],
      receives: ['news'],
      name: 'the customer',
      email: 'c@example.com',
    });
    expect(made.json).toEqual({
      status: 'created',
      invite_url: `${server.url}/agents/${bob.did}/invite#${made.json.code}`,
      qr_code: expect.stringMatching(/^data:image\/svg\+xml,/),
      expires_at: expect.any(String),
      message: `Share this link: ${made.json.invite_url}`,
      code: expect.stringMatching(/^XLK-/),
      number: expect.any(String),
    });
    const alice = await agentOf('alice');
    await acceptInvite(alice, made.json.code);
    expect((await server.get(`/registry/resolve/${alice.did}`)).json).toMatchObject({
      sendScopes: ['orders'],
      receiveScopes: ['news'],
    });
    expect(await alice.registry.lookup(bob.did)).toMatchObject({
      sendScopes: ['news'],
      receiveScopes: ['orders'],
    });
    await acceptInvite(alice, made.json.code); // the answer may have got lost
    expect(await codeOf(acceptInvite(await agentOf('eve'), made.json.code))).toBe('INVITATION_REFUSED:USED');
    const list = await server.get(`/v1/invites?agent=${bob.did}`);
    expect(list.json.invites).toMatchObject([{ state: 'used', did: alice.did, email: 'c@example.com' }]);
    expect((await server.get('/v1/invites')).json.invites).toEqual([]); // those of the server itself
    expect(list.text + server.log()).not.toContain(made.json.code);
  });

  test('are accepted by Agent.lazy with its first message, which waits for the agent', async () => {
    const server = await startHere();
    const { json: bob } = await server.send('POST', '/v1/agents', { name: 'bob' });
    const { json } = await server.send('POST', '/v1/invites', { agent: bob.did, scopes: ['integration'] });
    const alice = AgentClass.lazy({ name: 'my-service', invite: json.code });
    unwrap(await alice.send({ to: bob.did, payload: { action: 'processData' }, scope: 'integration' }));
    const received = await server.send('POST', `/v1/agents/${bob.did}/receive`, {});
    expect(received.json.messages).toMatchObject([{ sender: alice.did, payload: { action: 'processData' } }]);
  });

  test('used, expired, forged, revoked and foreign ones are refused', async () => {
    let now = Date.now();
    const server = await startHere({ clock: () => now });
    const make = async (body: object = {}) =>
      (await server.send('POST', '/v1/invites', { scopes: ['a'], ...body })).json as {
        code: string;
        number: string;
      };
    const eve = await agentOf('eve');
    const revoked = await make();
    expect((await server.send('DELETE', `/v1/invites/${revoked.number}`)).json.state).toBe('revoked');
    expect(await codeOf(acceptInvite(eve, revoked.code))).toBe('INVITATION_REFUSED:REVOKED');
    const short = await make({ expiresInMs: 1000 });
    now += 5000;
    expect(await codeOf(acceptInvite(eve, short.code))).toBe('INVITATION_REFUSED:EXPIRED');
    const good = await make();
    const forged = `${good.code.slice(0, -2)}${good.code.endsWith('AA') ? 'BB' : 'AA'}`;
    expect(await codeOf(acceptInvite(eve, forged))).toMatch(/^INVITATION_REFUSED:(FORGED|MALFORMED)$/);
    const other = await startHere();
    const { number } = await make();
    const foreign = await request(other.url, 'POST', `/invite?number=${number}`, {
      body: '{}',
      headers: { 'content-type': 'application/xlink-envelope' },
    });
    expect(foreign.json.subCode).toBe('UNKNOWN');
    expect((await other.send('DELETE', `/v1/invites/${number}`)).json.code).toBe('INVITATION_UNKNOWN');
    expect((await server.get(`/registry/resolve/${eve.did}`)).status).toBe(404);
  });

  test('of any number of identities that accept at once, one succeeds', async () => {
    const server = await startHere();
    const { json } = await server.send('POST', '/v1/invites', { scopes: ['a'] });
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => agentOf(`racer ${n}`)));
    const ends = await Promise.all(all.map((agent) => codeOf(acceptInvite(agent, json.code))));
    expect(ends.sort()).toEqual([...Array(7).fill('INVITATION_REFUSED:USED'), 'accepted']);
  });

  test('the page is the same for every invite, and allows nothing but itself', async () => {
    const server = await startHere();
    const { headers, text } = await server.get('/invite', undefined);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*|http/);
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(text).not.toMatch(/<style|style=|onclick|<script>/);
    expect((await server.get('/invite?number=x', undefined)).status).toBe(400);
    expect(
      (await server.get('/agents/did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK/invite')).text,
    ).toBe(text);
  });
});

describeWith(['chromium'], 'the acceptance page in a real browser', () => {
  let browser: Browser | undefined;

  async function visit(url: string): Promise<{ page: Page; complaints: string[] }> {
    browser = await chromium.launch({
      executablePath: findProgram('chromium')!,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
      ],
    });
    afterTest(() => browser?.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(40_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (sent) => {
      if (new URL(sent.url()).host !== new URL(url).host && !sent.url().startsWith('data:'))
        complaints.push(`asks ${sent.url()}`);
    });
    await page.goto(url);
    return { page, complaints };
  }

  const started = async () => {
    const server = await startServer(['--data', await temporaryFolder(), '--log-level', 'error'], {
      env: { XLINK_AGENT_KEY: '07'.repeat(32) },
    });
    const token = server.adminToken;
    const send = async (path: string, body: object) =>
      (await request(server.url, 'POST', path, { token, body })).json;
    return { ...server, token, send };
  };

  test('one click: both sides trust each other with the scopes shown, and the identity can be saved', async () => {
    const server = await started();
    const bob = await server.send('/v1/agents', { name: 'Bob & <b>Sons</b>', scopes: ['*'] });
    const made = await server.send('/v1/invites', {
      agent: bob.did,
      scopes: ['orders:write'],
      receives: ['news'],
    });
    const { page, complaints } = await visit(made.invite_url);
    await page.locator('#terms').waitFor();
    expect(await page.locator('h1').textContent()).toBe('“Bob & <b>Sons</b>” invites you');
    expect(await page.locator('#from').textContent()).toBe(bob.did);
    expect(await page.locator('#scopes li').allTextContents()).toEqual(['orders:write']);
    expect(await page.locator('#receives li').allTextContents()).toEqual(['news']);
    const saved0 = await page.locator('#did').textContent(); // and can be saved before anything depends on it
    expect(await page.locator('#download').getAttribute('href')).toMatch(/^blob:/);
    await page.locator('#accept').click();
    await page.locator('#result').waitFor();
    expect(await page.locator('h1').textContent()).toBe('You are connected to “Bob & <b>Sons</b>”');
    await page.reload(); // the identity is still there
    await page.locator('#result').waitFor();
    expect(await page.locator('#did').textContent()).toBe(saved0);
    const did = (await page.locator('#did').textContent())!;
    const { json } = await request(server.url, 'GET', `/registry/resolve/${did}`);
    expect(json).toMatchObject({ sendScopes: ['orders:write'], receiveScopes: ['news'], status: 'active' });
    const downloading = page.waitForEvent('download');
    await page.locator('#download').click();
    const stream = await (await downloading).createReadStream();
    let pem = '';
    for await (const chunk of stream) pem += String(chunk);
    const saved = unwrap(
      await AgentClass.importIdentity({ pkcs8: pem, registry: new MemoryTrustRegistry() }),
    );
    expect(saved.did).toBe(did);
    await page.locator('#forget').click();
    await page.locator('#forget').waitFor({ state: 'hidden' });
    await page.reload();
    await page.locator('#terms').waitFor();
    await page.locator('#accept').waitFor(); // a new identity: the old one is in the file alone
    expect(await page.locator('#did').textContent()).not.toBe(did);
    expect(complaints).toEqual([]);
    expect((await readInvite(made.code)).from).toBe(bob.did);
  });

  test('says what is wrong with a used, a forged and a missing invite', async () => {
    const server = await started();
    const made = await server.send('/v1/invites', { scopes: ['a'] });
    await acceptInvite(await agentOf('first'), made.code);
    const { page } = await visit(made.invite_url);
    const status = page.locator('#status');
    const says = async (text: RegExp) => {
      await until(async () => text.test((await status.textContent())!)); // the page lets nobody evaluate scripts
    };
    await page.locator('#accept').click();
    await says(/Another identity/);
    const base = made.invite_url.split('#')[0];
    for (const [fragment, text] of [
      [
        `${made.code.slice(0, 60)}${made.code[60] === 'A' ? 'B' : 'A'}${made.code.slice(61)}`,
        /not signed by the DID/,
      ],
      ['', /not an invitation.*Was the link cut/],
    ] as const) {
      await page.goto('about:blank');
      await page.goto(`${base}#${fragment}`);
      await says(text);
      expect(await status.textContent()).not.toMatch(/Reading|made in this browser/);
      expect(await page.locator('#accept').isVisible()).toBe(false);
    }
  });
});
