import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  acceptInvite,
  Identity,
  Invites,
  MemoryOperationsStore,
  MemoryTrustRegistry,
  readInvite,
} from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import { thrownBy } from '../support/results.js';

const URL = 'https://billing.example/xlink';
const SCOPES = ['invoices:read'];
const TERMS = { scopes: SCOPES, receives: ['notices'] };

let count = 0;
async function agentOf(name: string) {
  const registry = new MemoryTrustRegistry();
  const identity = await Identity.fromSeed(seedOf(`invites ${name} ${count++}`));
  return new Agent({ identity, registry, name });
}

/** One who invites, and a way to it that tests may bend. */
async function made({ clock = Date.now, store = new MemoryOperationsStore() } = {}) {
  const agent = await agentOf('billing');
  const invites = new Invites({ agent, url: URL, store, clock });
  const sent: string[] = [];
  const fetch = (async (input: string, init: RequestInit) => {
    sent.push(String(init.body));
    return invites.handle(new Request(input, init));
  }) as typeof globalThis.fetch;
  return { agent, invites, store, fetch, sent };
}

const idOf = async (promise: Promise<unknown>) => (await thrownBy(() => promise)) as { id?: string };

describe('an invite', () => {
  test('makes both sides trust each other, with its scopes, in both registries', async () => {
    const { agent: billing, invites, fetch } = await made();
    const shop = await agentOf('shop');
    const heard: unknown[] = [];
    invites.onAccepted((accepted) => void heard.push(accepted));
    const made_ = await invites.create({ ...TERMS, email: 'shop@example.com', by: 'mia' });
    expect(made_).toMatchObject({ state: 'open', scopes: SCOPES, email: 'shop@example.com', by: 'mia' });
    expect(made_.link).toBe(`${URL}/invite#${made_.code}`);
    await acceptInvite(shop, made_.link, { fetch, url: 'https://shop.example/xlink' });
    expect(await shop.registry.lookup(billing.did)).toMatchObject({
      name: 'billing',
      status: 'active',
      sendScopes: ['notices'],
      receiveScopes: SCOPES,
    });
    expect(await billing.registry.lookup(shop.did)).toMatchObject({
      name: 'shop',
      status: 'active',
      sendScopes: SCOPES,
      receiveScopes: ['notices'],
    });
    expect(await invites.list()).toMatchObject([{ number: made_.number, state: 'used', did: shop.did }]);
    expect(heard).toMatchObject([{ did: shop.did, url: 'https://shop.example/xlink' }]);
    const envelope = await shop.createEnvelope({
      to: billing.did,
      payload: { n: 1 },
      scope: 'invoices:read',
    });
    expect(await billing.receive(envelope)).toMatchObject({ ok: true, value: { payload: { n: 1 } } });
  });

  test('says what it grants without asking anybody', async () => {
    const { agent, invites } = await made();
    const expires = new Date(Date.now() + 60_000);
    const { code, expiresAt } = await invites.create({ ...TERMS, expires });
    expect(code).toMatch(/^XLK-[\w-]+$/);
    expect(await readInvite(code)).toEqual({
      from: agent.did,
      name: 'billing',
      url: URL,
      ...TERMS,
      expiresAt: new Date(expiresAt),
    });
  });

  test('is good once: of many who accept at the same time one succeeds', async () => {
    const { agent, invites, fetch } = await made();
    const { code } = await invites.create(TERMS);
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => agentOf(`shop ${n}`)));
    const outcomes = await Promise.allSettled(all.map((one) => acceptInvite(one, code, { fetch })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect((outcome.reason as { id: string }).id).toBe('INVITATION_REFUSED:USED');
    expect((await (agent.registry as MemoryTrustRegistry).list()).length).toBe(1);
  });

  test('can be accepted again by the same identity, which brings back nothing that was taken from it', async () => {
    const { agent, invites, fetch } = await made();
    const { code } = await invites.create(TERMS);
    const shop = await agentOf('shop');
    await acceptInvite(shop, code, { fetch });
    const registry = agent.registry as MemoryTrustRegistry;
    await registry.updateScopes(shop.did, { scopes: [] });
    await acceptInvite(shop, code, { fetch });
    expect(registry.lookup(shop.did)?.sendScopes).toEqual([]);
    await registry.revoke(shop.did);
    expect(await idOf(acceptInvite(shop, code, { fetch }))).toMatchObject({
      id: 'VERIFICATION_FAILED:DID_REVOKED',
    });
  });

  test('adds to the scopes of a peer that was known', async () => {
    const { agent, invites, fetch } = await made();
    const shop = await agentOf('shop');
    for (const scope of ['a', 'b'])
      await acceptInvite(shop, (await invites.create({ scopes: [scope] })).code, { fetch });
    expect(await agent.registry.lookup(shop.did)).toMatchObject({ sendScopes: ['a', 'b'] });
    expect(await shop.registry.lookup(agent.did)).toMatchObject({ receiveScopes: ['a', 'b'] });
  });

  test('that expired, was revoked or is unknown is refused, and leaves nothing behind', async () => {
    let now = Date.now();
    const { agent, invites, fetch } = await made({ clock: () => now });
    const [old, taken] = [await invites.create(TERMS), await invites.create(TERMS)];
    const other = await made();
    const foreign = await other.invites.create(TERMS);
    await invites.revoke(taken.number);
    const shop = await agentOf('shop');
    expect(await idOf(acceptInvite(shop, taken.code, { fetch }))).toMatchObject({
      id: 'INVITATION_REFUSED:REVOKED',
    });
    // Made by another agent that says it is reached here.
    expect(await idOf(acceptInvite(shop, foreign.code, { fetch }))).toMatchObject({
      id: 'INVITATION_REFUSED:UNKNOWN',
    });
    now += 8 * 86_400_000;
    expect(await idOf(acceptInvite(shop, old.code, { fetch }))).toMatchObject({
      id: 'INVITATION_REFUSED:EXPIRED',
    });
    expect(await idOf(invites.revoke('x'))).toMatchObject({ id: 'INVITATION_UNKNOWN' });
    expect([...(await (agent.registry as MemoryTrustRegistry).list())]).toEqual([]);
    expect((shop.registry as MemoryTrustRegistry).list()).toEqual([]);
  });

  test('is listed for 90 days after its end, unless it was used', async () => {
    let now = Date.now();
    const { invites, fetch } = await made({ clock: () => now });
    const [used] = [await invites.create(TERMS), await invites.create(TERMS)];
    const shop = await agentOf('shop');
    await acceptInvite(shop, used.code, { fetch });
    now += 96 * 86_400_000;
    expect((await invites.list()).length).toBe(2);
    now += 2 * 86_400_000;
    expect(await invites.list()).toMatchObject([{ number: used.number, state: 'used' }]);
    await acceptInvite(shop, used.code, { fetch });
  });

  test('a listener that fails keeps nobody out', async () => {
    const { invites, fetch } = await made();
    invites.onAccepted(() => {
      throw new Error('mine');
    });
    const { code } = await invites.create(TERMS);
    await acceptInvite(await agentOf('shop'), code, { fetch });
  });

  test('of which a bit was changed is refused before anybody is asked', async () => {
    const { invites, fetch, sent } = await made();
    const { code } = await invites.create(TERMS);
    const shop = await agentOf('shop');
    const bytes = Buffer.from(code.slice(4), 'base64url');
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      const { id } = await idOf(acceptInvite(shop, `XLK-${changed.toString('base64url')}`, { fetch }));
      expect(id).toMatch(/^INVITATION_REFUSED:(FORGED|MALFORMED)$/);
    }
    for (const text of [
      '',
      'XLK-',
      'XLK-abc123def456',
      code.slice(0, -1),
      `${code}AA`,
      code.toLowerCase(),
      'x'.repeat(5000),
    ])
      expect((await idOf(acceptInvite(shop, text, { fetch }))).id).toMatch(
        /^INVITATION_REFUSED:(FORGED|MALFORMED)$/,
      );
    expect(sent).toEqual([]);
  });

  test('of one’s own cannot be accepted', async () => {
    const { agent, invites, fetch } = await made();
    const { code } = await invites.create(TERMS);
    expect(await idOf(acceptInvite(agent, code, { fetch }))).toMatchObject({
      id: 'INVITATION_REFUSED:OTHER_SERVICE',
    });
  });
});

/** What a signed-only envelope says, for everybody to read. */
async function payloadOf(envelope: Record<string, string>): Promise<Record<string, unknown>> {
  const texts = Object.values(envelope).map((value) => Buffer.from(String(value), 'base64url').toString());
  return JSON.parse(texts.find((text) => text.includes('"proof"'))?.match(/\{.*\}/s)?.[0] ?? '{}');
}

describe('on the way', () => {
  test('an acceptance that was seen is of no use to another identity', async () => {
    const { invites, fetch, sent } = await made();
    const { code, number } = await invites.create(TERMS);
    const [shop, thief] = [await agentOf('shop'), await agentOf('thief')];
    const down = (async (_: string, init: RequestInit) => {
      sent.push(String(init.body));
      throw new Error('the line is down');
    }) as unknown as typeof globalThis.fetch;
    expect(await idOf(acceptInvite(shop, code, { fetch: down }))).toMatchObject({ id: 'INVITE_FAILED' });
    const seen = JSON.parse(sent[0]!);
    const payload = await payloadOf(seen);
    expect(payload.proof).toMatch(/^[\w-]{86}$/);
    const url = `${URL}/invite?number=${number}`;
    const envelope = await thief.createIntroduction({
      to: seen.to,
      scope: 'xlink:invite',
      request: `POST /xlink/invite?number=${number}`,
      payload: { ...payload, keyRecord: await thief.keyRecord() },
    });
    const stolen = await invites.handle(new Request(url, { method: 'POST', body: JSON.stringify(envelope) }));
    expect([stolen.status, await stolen.json()]).toMatchObject([
      403,
      { code: 'INVITATION_REFUSED', subCode: 'FORGED' },
    ]);
    await acceptInvite(shop, code, { fetch });
  });

  test('a server that is not the DID of the invite is not believed', async () => {
    const { agent, invites } = await made();
    const { code } = await invites.create(TERMS);
    const liar = await agentOf('liar');
    const shop = await agentOf('shop');
    const answers = [
      '',
      '{}',
      'null',
      JSON.stringify({ keyRecord: await liar.keyRecord(), ...TERMS, signature: 'A'.repeat(86) }),
      JSON.stringify({ keyRecord: await agent.keyRecord(), ...TERMS, signature: await liar.sign('x') }),
    ];
    for (const answer of answers) {
      const fetch = (async () => new Response(answer)) as typeof globalThis.fetch;
      expect(await idOf(acceptInvite(shop, code, { fetch }))).toMatchObject({ id: 'INVITE_FAILED' });
    }
    expect((shop.registry as MemoryTrustRegistry).list()).toEqual([]);
  });

  test('an answer to one acceptance is none to another', async () => {
    const { invites, fetch } = await made();
    const { code } = await invites.create(TERMS);
    const shop = await agentOf('shop');
    let first: string | undefined;
    const replaying = (async (input: string, init: RequestInit) => {
      first ??= await (await fetch(input, init)).text();
      return new Response(first);
    }) as typeof globalThis.fetch;
    await acceptInvite(shop, code, { fetch: replaying });
    expect(await idOf(acceptInvite(shop, code, { fetch: replaying }))).toMatchObject({ id: 'INVITE_FAILED' });
  });

  test('junk is refused as such, and never with 500', async () => {
    const { invites } = await made();
    const { number } = await invites.create(TERMS);
    for (const query of ['', '?number=', '?number=x', `?number=${'A'.repeat(43)}`, `?number=${number}`])
      for (const body of ['', '{}', '[]', 'x'.repeat(70_000)]) {
        const answer = await invites.handle(new Request(`${URL}/invite${query}`, { method: 'POST', body }));
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
      }
    expect((await invites.handle(new Request(`${URL}/invite`))).status).toBe(405);
  });

  test('a registry that is down leaves the invite to the same identity', async () => {
    const { agent, invites, fetch } = await made();
    const { code } = await invites.create(TERMS);
    const [shop, other] = [await agentOf('shop'), await agentOf('other')];
    const registry = agent.registry as MemoryTrustRegistry;
    const { register } = registry;
    registry.register = async () => {
      throw new Error('down');
    };
    expect(await idOf(acceptInvite(shop, code, { fetch }))).toMatchObject({ id: 'REGISTRATION_FAILED' });
    registry.register = register;
    expect(await idOf(acceptInvite(other, code, { fetch }))).toMatchObject({ id: 'INVITATION_REFUSED:USED' });
    await acceptInvite(shop, code, { fetch });
    expect(await registry.lookup(shop.did)).toMatchObject({ sendScopes: SCOPES });
  });
});
