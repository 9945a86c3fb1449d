import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  HttpsTransportAdapter,
  Identity,
  MemorySequenceStore,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import { listen } from '../support/listen.js';
import { errorOf, unwrap } from '../support/results.js';
import { type Inbox, RawSender, senderTo, serveInbox } from './message-support.js';
import { memoryTickets, RawCaller, serveSessions } from './support.js';

const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe('a message in a session', () => {
  let inbox: Inbox;
  let sender: RawSender;

  beforeEach(async () => {
    inbox = await serveInbox({
      sessions: { never: ['pay'] },
      agentOptions: { receiveScopes: ['default', 'pay'] },
    });
    sender = await RawSender.of(inbox);
  });

  test('is taken', async () => {
    expect(await sender.send()).toEqual({ status: 204, code: undefined });
    expect(inbox.messages[0]).toMatchObject({ payload: { item: 'tea' }, sender: sender.agent.did });
  });

  const old = () => Date.now() - 120_000;
  test.each([
    ['too old', 'TIMESTAMP_EXPIRED', { timestamp: old() }, {}],
    ['from the future', 'TIMESTAMP_EXPIRED:FUTURE', { timestamp: Date.now() + 120_000 }, {}],
    ['of a number that no session has', 'SESSION_SEQUENCE_INVALID', { seq: 65_536 }, {}],
    ['of all scopes', 'SESSION_MALFORMED', { scope: '*' }, {}],
    ['of a scope of the library', 'SCOPE_NOT_ALLOWED', { scope: 'xlink:session' }, {}],
    ['of a scope that is not taken', 'SCOPE_NOT_ALLOWED', { scope: 'other' }, {}],
    ['of a scope that needs a signature', 'SESSION_NOT_ALLOWED', { scope: 'pay' }, {}],
    ['sealed as a request to this very target', 'SESSION_AUTHENTICATION_FAILED', { kind: 'request' }, {}],
    ['with a header', 'SESSION_MALFORMED', { headers: [['cookie', 'a']] }, {}],
    ['that follows no message', 'SESSION_MALFORMED', { headers: [['in-reply-to', 'AAAA']] }, {}],
    ['without a frame for headers', 'DECRYPT_FAILED:PARSE', { frame: 'message' }, {}],
    ['that is no JSON', 'DECRYPT_FAILED:PARSE', { payload: '{' }, {}],
    ['at another target', 'SESSION_AUTHENTICATION_FAILED', {}, { query: '?a=1' }],
    ['where sessions are opened', undefined, {}, { query: '?xlink-session=open' }],
  ] as const)('%s is %s', async (_, code, what, { query = '' }: { query?: string }) => {
    const answer = await sender.send(what as never, { url: inbox.url + query });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    if (code) expect(answer.code).toBe(code);
    expect(inbox.messages).toEqual([]);
  });

  test.each([
    ['forged', (ticket: Uint8Array) => flipped(ticket, 100), 'SESSION_UNKNOWN:FORGED'],
    ['under a key that nobody has', (ticket: Uint8Array) => flipped(ticket, 0), 'SESSION_UNKNOWN'],
    ['of zeros', (ticket: Uint8Array) => new Uint8Array(ticket.length), 'SESSION_UNKNOWN'],
  ])('with a ticket that is %s is refused', async (_, change, code) => {
    const answer = await sender.send({ ticket: change(sender.session.ticket) });
    expect([answer.code, inbox.messages]).toEqual([code, []]);
  });

  test("with another sender's ticket is refused", async () => {
    const other = await RawSender.of(inbox);
    const answer = await sender.send({ ticket: other.session.ticket });
    expect([answer.code, inbox.messages]).toEqual(['SESSION_AUTHENTICATION_FAILED', []]);
  });

  test('moved to another recipient is refused, with and without the same ticket keys', async () => {
    const elsewhere = await serveInbox({ agentOptions: { registry: inbox.registry } });
    const moved = await sender.post(await sender.seal(), { url: elsewhere.url });
    expect([moved.code, elsewhere.messages]).toEqual(['SESSION_UNKNOWN', []]);
  });

  test('of 50 that are the same at once, one is taken', async () => {
    const sealed = await sender.seal();
    const answers = await Promise.all(Array.from({ length: 50 }, () => sender.post(sealed)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'REPLAY_DETECTED')).toHaveLength(49);
    expect(inbox.messages).toHaveLength(1);
  });

  test('of a number that was used is refused, whatever is in it', async () => {
    await sender.send({ seq: 7 });
    expect(await sender.send({ seq: 7, payload: '"other"' })).toMatchObject({ code: 'REPLAY_DETECTED' });
  });

  test('of a revoked sender is refused at once, whoever has its session', async () => {
    await sender.send();
    unwrap(await (inbox.registry as MemoryTrustRegistry).revoke(sender.agent.did));
    const stolen = await sender.send();
    expect([stolen.code, inbox.messages.length]).toEqual(['VERIFICATION_FAILED:DID_REVOKED', 1]);
    await expect(RawSender.for(sender.agent, inbox)).rejects.toBeDefined();
  });

  test('has no scope that was taken away meanwhile', async () => {
    const registry = inbox.registry as MemoryTrustRegistry;
    await sender.send();
    unwrap(await registry.updateScopes(sender.agent.did, { scopes: ['other'] }));
    expect(await sender.send()).toMatchObject({ code: 'SCOPE_DENIED' });
  });
});

test('a session that is over is refused, and senders open another one', async () => {
  let now = Date.now();
  const clock = () => now;
  const registry = new MemoryTrustRegistry({ clock });
  const inbox = await serveInbox({ sessions: { lifetimeMs: 60_000 }, agentOptions: { clock, registry } });
  const raw = await RawSender.of(inbox, { clock });
  const sender = await senderTo(inbox, { clock });
  for (let n = 0; n < 2; n++) await sender.sent(n);
  now += 61_000;
  expect(await raw.send({ timestamp: now })).toMatchObject({ code: 'SESSION_EXPIRED' });
  await sender.sent(2);
  expect(inbox.forms().slice(-2)).toEqual(['handshake', 'session']);
});

test('a request in a session is no message and a message no request, where one identity serves both with the same ticket keys', async () => {
  const registry = new MemoryTrustRegistry();
  const agent = await Agent.quickstart({ registry, name: 'both' });
  const [tickets, sequences] = [memoryTickets(), new MemorySequenceStore()];
  const api = await serveSessions({ tickets, sequences }, { agent });
  const inbox = await serveInbox({ agent, sessions: { tickets, sequences } });
  const caller = await RawCaller.of(api.url, registry);
  const raw = await RawSender.for(caller.agent, inbox);
  // The same path at both: nothing but the kind tells them apart.
  const request = await caller.seal({ path: '/xlink', scope: 'default' });
  expect(
    await raw.post({ credential: request.credential, body: new Uint8Array(request.bytes) }),
  ).toMatchObject({
    code: 'SESSION_AUTHENTICATION_FAILED',
  });
  const { credential, body } = await raw.seal({ path: '/form' });
  const moved = await fetch(`${api.url}/form`, {
    method: 'POST',
    headers: { Authorization: `Xlink-Session ${credential}`, 'Content-Type': 'application/xlink-session' },
    body,
  });
  expect(await moved.json()).toMatchObject({ code: 'SESSION_AUTHENTICATION_FAILED' });
  expect(inbox.messages).toEqual([]);
  // A session is good for both, all the same.
  const message = new (RawSender as never as new (...args: unknown[]) => RawSender)(
    caller.agent,
    caller.session,
    inbox,
  );
  expect(await message.send()).toMatchObject({ status: 204 });
});

test('a session with another agent is not good here, where both share ticket keys', async () => {
  const registry = new MemoryTrustRegistry();
  const tickets = memoryTickets();
  const here = await serveInbox({
    agent: await Agent.quickstart({ registry }),
    sessions: { tickets, sequences: new MemorySequenceStore() },
  });
  const there = await serveInbox({
    agent: await Agent.quickstart({ registry }),
    sessions: { tickets, sequences: new MemorySequenceStore() },
  });
  const sender = await RawSender.of(here);
  const answer = await sender.post(await sender.seal(), { url: there.url });
  expect([answer.code, there.messages]).toEqual(['SESSION_UNKNOWN', []]);
});

describe('on a way that is not to be trusted', () => {
  type Front = (req: IncomingMessage, res: ServerResponse) => boolean;
  const inSession = (req: IncomingMessage) => req.headers['content-type'] === 'application/xlink-session';

  /** A receiver behind something that looks at each request in a session, and how often that was. */
  async function behind(front: (nth: number) => Front, retries = 2) {
    let count = 0;
    const inbox = await serveInbox({ inFront: (req, res) => inSession(req) && front(++count)(req, res) });
    const sender = await senderTo(inbox, {}, { retries });
    await sender.sent(0);
    return { inbox, sender };
  }

  const lost: Front = (_req, res) => {
    res.end = (() => res.destroy()) as never; // the receiver has it; its answer does not get through
    return false;
  };
  const refuses =
    (status: number, body?: object): Front =>
    (_req, res) => {
      res.writeHead(status, body ? { 'Content-Type': 'application/problem+json' } : {});
      res.end(body && JSON.stringify(body));
      return true;
    };
  /** It was taken, and the answer says otherwise. */
  const lies =
    (code: string, status = 401): Front =>
    (_req, res) => {
      const writeHead = res.writeHead.bind(res);
      res.writeHead = (() => {
        res.removeHeader('xlink-sessions');
        return writeHead(status, { 'Content-Type': 'application/problem+json' });
      }) as never;
      const end = res.end.bind(res);
      res.end = (() => end(JSON.stringify({ code, status }))) as never;
      return false;
    };

  test('an answer that was lost: the same bytes go out again, and are one message', async () => {
    const { inbox, sender } = await behind((nth) => (nth === 1 ? lost : () => false));
    expect(await sender.sent(1)).toMatchObject({ inSession: true });
    expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1]);
    expect(inbox.forms()).toEqual(['envelope', 'handshake', 'session', 'session']);
  });

  test.each([
    'SESSION_UNKNOWN',
    'SESSION_AUTHENTICATION_FAILED',
    'SESSION_STALE',
    'SESSION_NOT_ALLOWED',
    'SESSION_NOT_ACCEPTED',
  ])('%s that is forged after the message was taken makes no second one', async (code) => {
    const { inbox, sender } = await behind(() => lies(code));
    for (let n = 1; n < 4; n++) await sender.sent(n);
    expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2, 3]);
    if (code === 'SESSION_NOT_ALLOWED') return; // its scope gets envelopes from then on
    expect(inbox.forms().filter((form) => form === 'handshake')).toHaveLength(1); // in 10 s
  });

  test('a store that is said to be down after the message was taken leaves the outcome unknown, and one message', async () => {
    const { inbox, sender } = await behind((nth) =>
      nth === 1 ? lies('NONCE_STORE_UNAVAILABLE', 503) : () => false,
    );
    expect(errorOf(await sender.send(1)).id).toBe('SEND_FAILED:UNKNOWN_OUTCOME');
    await sender.sent(2);
    expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2]);
  });

  test.each(['SESSION_NOT_ALLOWED', 'SESSION_MALFORMED'])(
    'two lies in a row, %s and then one of the envelope, make no second message',
    async (code) => {
      let isEnvelopeLied = false;
      const inbox = await serveInbox({
        inFront: (req, res) => {
          if (inSession(req)) return lies(code)(req, res);
          if (!isLying || isEnvelopeLied || req.url!.includes('session=open')) return false;
          isEnvelopeLied = true;
          return refuses(503, { code: 'NONCE_STORE_UNAVAILABLE', status: 503 })(req, res);
        },
      });
      let isLying = false;
      const sender = await senderTo(inbox);
      await sender.sent(0);
      isLying = true;
      await sender.send(1);
      expect(isEnvelopeLied).toBe(true);
      expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1]);
    },
  );

  test('a message in a session claims its name as a nonce, as an envelope does', async () => {
    const claimed: string[] = [];
    const inbox = await serveInbox({
      agentOptions: {
        nonceStore: { seen: () => false, claim: ({ nonce }) => claimed.push(nonce) > 0 },
      },
    });
    const sender = await senderTo(inbox);
    for (let n = 0; n < 3; n++) await sender.sent(n);
    expect(claimed).toEqual(expect.arrayContaining(inbox.messages.map(({ envelopeId }) => envelopeId)));
  });

  test.each([
    [400, undefined],
    [401, undefined],
    [403, undefined],
    [431, undefined],
    [401, { code: 'SESSION_UNKNOWN', subCode: 'FORGED', status: 401 }],
    [503, { code: 'SESSION_STORE_UNAVAILABLE', status: 503 }],
    [413, { code: 'BODY_TOO_LARGE', status: 413 }],
  ])('what does not let sessions through (%d %o) gets envelopes', async (status, body) => {
    const { inbox, sender } = await behind(() => refuses(status, body), 0);
    for (let n = 1; n < 4; n++) await sender.sent(n);
    expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2, 3]);
  });

  test.each([400, 401, 403, 409, 413, 415, 500, 503])(
    'what the handler answers (%d) is what its sender is told, in either form',
    async (code) => {
      let status = 204;
      const inbox = await serveInbox({ status: () => status });
      const sender = await senderTo(inbox, {}, { retries: 0 });
      for (let n = 0; n < 2; n++) await sender.sent(n);
      status = code;
      const [inSession, inEnvelope] = [await sender.send(2), await sender.send(3, { session: false })];
      expect(errorOf(inSession).id).toBe(errorOf(inEnvelope).id);
      expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2, 3]);
      expect(inbox.forms().slice(3)).toEqual(['session', 'envelope']);
      status = 204;
      expect(await sender.sent(4)).toMatchObject({ inSession: true });
    },
  );

  test('a receiver that takes envelopes by `handle` since then gets them', async () => {
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ registry });
    const inbox = await serveInbox({ agent });
    const here = new HttpsTransportAdapter({ baseUrl: inbox.url });
    const got: unknown[] = [];
    const other = await Agent.importIdentity({
      pkcs8: await agent.exportPKCS8(),
      registry,
      transport: here,
    });
    unwrap(other).onMessage(({ payload }) => void got.push(payload));
    const { url: there } = await listen(async (req, res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const headers = { 'Content-Type': String(req.headers['content-type']) };
      const answer = await here.handle(
        new Request(`http://localhost${req.url}`, { method: 'POST', headers, body: Buffer.concat(chunks) }),
      );
      res.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
    });
    let { url } = inbox;
    const spread: typeof fetch = (input, init) => fetch(String(input).replace(inbox.url, url), init);
    const sender = await senderTo(inbox, {}, { fetch: spread, retries: 0 });
    for (let n = 0; n < 2; n++) await sender.sent(n);
    url = `${there}/xlink`;
    for (let n = 2; n < 5; n++) await sender.sent(n);
    expect(got).toEqual([2, 3, 4]);
  });

  test('a handshake that fails leaves envelopes, and is not tried for each message', async () => {
    const inbox = await serveInbox({
      inFront: (req, res) => {
        if (!req.url!.includes('xlink-session=open')) return false;
        res.writeHead(500).end();
        return true;
      },
    });
    const sender = await senderTo(inbox);
    for (let n = 0; n < 5; n++) await sender.sent(n);
    expect(inbox.forms()).toEqual(['envelope', 'handshake', 'envelope', 'envelope', 'envelope', 'envelope']);
  });

  test('who offers sessions in the name of a receiver without any causes one handshake', async () => {
    const inbox = await serveInbox({
      sessions: false,
      inFront: (_req, res) => {
        res.setHeader('xlink-sessions', 'messages');
        return false;
      },
    });
    const sender = await senderTo(inbox);
    for (let n = 0; n < 4; n++) await sender.sent(n);
    expect(inbox.messages).toHaveLength(4);
    expect(inbox.forms().filter((form) => form === 'handshake')).toHaveLength(1);
  });
});

test('the receiver’s identity succeeded by another one: messages for either are taken, in a session of its own', async () => {
  const registry = new MemoryTrustRegistry();
  const agent = await Agent.quickstart({ registry });
  const inbox = await serveInbox({ agent });
  const sender = await senderTo(inbox);
  for (let n = 0; n < 2; n++) await sender.sent(n);
  const next = await Identity.fromSeed(seedOf('successor of an inbox'));
  unwrap(await agent.succeedBy(next));
  const later = unwrap(await sender.agent.send({ to: next.did, payload: 2 }));
  unwrap(await sender.agent.send({ to: next.did, payload: 3 }));
  await sender.sent(4);
  expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2, 3, 4]);
  expect(later).toBeDefined();
  expect(errorOf(await sender.send(5, { scope: '*' })).id).toBe('INVALID_OPTION');
});
