import { describe, expect, test } from '@jest/globals';
import type { Agent, AgentMessage, AgentOptions, Envelope, InboundRequest, Version } from '@private.me/xlink';
import type { SealedResponse } from '@private.me/xlink/client';
import { sealResponse, wantsSealedResponse } from '../../src/adapters/sealed-response.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { sealed } from '../support/forge.js';
import { thrownBy, unwrap } from '../support/results.js';
import { World } from '../support/world.js';

const REQUEST = 'POST /orders?x=1';
const BODY = Buffer.from('{"ok":true,"n":"\u00e9"}');
const PLAIN = { status: 201, contentType: 'application/json; charset=utf-8', body: BODY };

async function pair(forApi: AgentOptions = {}, forCaller: AgentOptions = {}) {
  const world = new World();
  const [api, caller] = [await world.agent('api', forApi), await world.agent('caller', forCaller)];
  return { world, api, caller };
}

/** A request that the API received, and its envelope. */
async function asked(caller: Agent, api: Agent, draft: object = {}) {
  const envelope = await caller.createRequest({
    to: api.did,
    payload: 1,
    request: REQUEST,
    scope: 'orders',
    ...draft,
  });
  const { message } = unwrap(
    await api.receiveContent(envelope, {
      kind: 'request',
      request: REQUEST,
      requireRequestBinding: true,
      allowCleartext: true,
    }),
  );
  return { envelope, message };
}

const answerTo = async (api: Agent, message: AgentMessage): Promise<Envelope> =>
  JSON.parse(await sealResponse(api, message, PLAIN));
const idOf = async (caller: Agent, answer: Envelope, options: object) => {
  const received = await caller.receive(answer, options);
  return received.ok ? 'ok' : `${received.error.id} ${received.error.field ?? ''}`.trim();
};

describe('wantsSealedResponse', () => {
  const wants = (accept: string | undefined) =>
    wantsSealedResponse({
      header: (name: string) => (name === 'accept' ? accept : undefined),
    } as InboundRequest);

  test.each([
    'application/xlink-envelope',
    'APPLICATION/XLINK-Envelope',
    ' application/xlink-envelope ; q=0.5',
    'application/json, application/xlink-envelope',
    'text/html;q=0.9,application/xlink-envelope;v=1,*/*',
  ])('%s: yes', (accept) => {
    expect(wants(accept)).toBe(true);
  });

  test.each([
    undefined,
    '',
    '*/*',
    'application/*',
    'application/json',
    'application/xlink-envelope+json',
    'x-application/xlink-envelope',
    'text/plain; x=application/xlink-envelope',
  ])('%s: no', (accept) => {
    expect(wants(accept)).toBe(false);
  });
});

describe('a sealed answer', () => {
  test.each([1, 2, 3] as Version[])(
    'reaches the caller in version %i and nobody else',
    async (maxVersion) => {
      const { world, api, caller } = await pair({ maxVersion: 3 }, { maxVersion });
      const { envelope, message } = await asked(caller, api);
      const answer = await answerTo(api, message);
      expect(answer).toMatchObject({
        version: maxVersion,
        from: api.did,
        to: caller.did,
        scope: 'orders',
        request: REQUEST,
        inReplyTo: envelope.nonce,
      });
      expect(JSON.stringify(answer)).not.toContain(BODY.toString('base64url'));
      const received = await caller.receive<SealedResponse>(answer, {
        inReplyTo: envelope.nonce,
        request: REQUEST,
      });
      expect(received.value).toMatchObject({
        sender: api.did,
        encrypted: true,
        inReplyTo: envelope.nonce,
        payload: { status: 201, contentType: PLAIN.contentType, body: BODY.toString('base64url') },
      });
      const other = await world.agent('other');
      expect(await idOf(other, answer, {})).toBe('RECIPIENT_MISMATCH to');
    },
  );

  test('has no body where there is none, and no type', async () => {
    const { api, caller } = await pair();
    const { envelope, message } = await asked(caller, api);
    const text = await sealResponse(api, message, {
      status: 204,
      contentType: undefined,
      body: new Uint8Array(),
    });
    const received = await caller.receive(text, { inReplyTo: envelope.nonce });
    expect(received.value?.payload).toEqual({ status: 204 });
  });

  test('answers a signed-only request and a message that is bound to no request', async () => {
    const { api, caller } = await pair();
    const bodiless = await asked(caller, api, { signedOnly: true, payload: undefined });
    expect(
      await idOf(caller, await answerTo(api, bodiless.message), { inReplyTo: bodiless.envelope.nonce }),
    ).toBe('ok');
    const message = await caller.createEnvelope({ to: api.did, payload: 1, scope: 'orders' });
    const answer = await answerTo(api, unwrap(await api.receive(message)));
    expect(answer).not.toHaveProperty('request');
    expect(await idOf(caller, answer, { inReplyTo: message.nonce })).toBe('ok');
  });

  test('answer of another request passed off as this one', async () => {
    const { api, caller } = await pair();
    const [one, two] = [await asked(caller, api), await asked(caller, api)];
    const answer = await answerTo(api, one.message);
    expect(await idOf(caller, answer, { inReplyTo: two.envelope.nonce, request: REQUEST })).toBe(
      'ANSWER_INVALID inReplyTo',
    );
    // The refusal burns nothing: whoever it is for can still read it.
    expect(await idOf(caller, answer, { inReplyTo: one.envelope.nonce, request: REQUEST })).toBe('ok');
  });

  test('a message that answers nothing is no answer', async () => {
    const { api, caller } = await pair();
    const { envelope } = await asked(caller, api);
    const options = { inReplyTo: envelope.nonce, request: REQUEST };
    const message = { to: caller.did, payload: PLAIN.status, request: REQUEST };
    for (const inReplyTo of [undefined, envelope.nonce])
      expect(
        await idOf(
          caller,
          await api.createEnvelope({ ...message, ...(inReplyTo ? { inReplyTo } : {}) }),
          options,
        ),
      ).toBe('KIND_NOT_ACCEPTED kind');
    const request = await api.createRequest(message);
    expect(await idOf(caller, request, options)).toBe('KIND_NOT_ACCEPTED kind');
  });

  test('changing what it answers breaks the signature', async () => {
    const { api, caller } = await pair();
    const [one, two] = [await asked(caller, api), await asked(caller, api)];
    const answer = { ...(await answerTo(api, one.message)), inReplyTo: two.envelope.nonce };
    expect(await idOf(caller, answer, { inReplyTo: two.envelope.nonce })).toMatch(
      /^VERIFICATION_FAILED:SIGNATURE/,
    );
  });

  test('of another method, path or query is refused', async () => {
    const { api, caller } = await pair();
    const { envelope, message } = await asked(caller, api);
    const answer = await answerTo(api, message);
    for (const request of ['GET /orders?x=1', 'POST /orders', 'POST /orders?x=2'])
      expect(await idOf(caller, answer, { inReplyTo: envelope.nonce, request })).toBe(
        'REQUEST_BINDING_MISMATCH request',
      );
  });

  test('is good once', async () => {
    const { api, caller } = await pair();
    const { envelope, message } = await asked(caller, api);
    const answer = await answerTo(api, message);
    const options = { inReplyTo: envelope.nonce, request: REQUEST };
    expect(await idOf(caller, answer, options)).toBe('ok');
    expect(await idOf(caller, answer, options)).toBe('REPLAY_DETECTED nonce');
  });

  test('grows stale like any other envelope', async () => {
    const { world, api, caller } = await pair();
    const { envelope, message } = await asked(caller, api);
    const answer = await answerTo(api, message);
    world.clock.advance(30_001);
    expect(await idOf(caller, answer, { inReplyTo: envelope.nonce })).toBe('TIMESTAMP_EXPIRED timestamp');
  });

  test('a signed-only envelope is no sealed answer', async () => {
    const { api, caller } = await pair();
    const { envelope } = await asked(caller, api);
    const options = { inReplyTo: envelope.nonce, request: REQUEST };
    const open = await api.createEnvelope({
      to: caller.did,
      payload: { status: 200 },
      inReplyTo: envelope.nonce,
      request: REQUEST,
      signedOnly: true,
    });
    const refusal = await api.createRefusal(
      { sender: caller.did, scope: 'orders', request: REQUEST, envelopeId: envelope.nonce },
      { status: 200 },
    );
    for (const one of [open, refusal]) {
      expect(await idOf(caller, one, options)).toBe('KIND_NOT_ACCEPTED kind');
      expect(await idOf(caller, { ...one, kind: 'answer' }, options)).toBe('PARSE_FAILED kind');
    }
  });

  test('inReplyTo is a text, not just anything', async () => {
    const { api, caller } = await pair();
    const { message } = await asked(caller, api);
    expect(await idOf(caller, await answerTo(api, message), { inReplyTo: 7 })).toBe(
      'INVALID_OPTION inReplyTo',
    );
  });
});

describe('scope lists do not stand in the way of an answer', () => {
  test.each([
    ['an API that sends nothing of its own', { sendScopes: [] }, {}],
    ['an API that sends other things', { sendScopes: ['events'] }, {}],
    ['a caller that accepts nothing', {}, { receiveScopes: [] }],
    ['a caller that accepts other things', {}, { receiveScopes: ['events'] }],
    ['both', { sendScopes: [] }, { receiveScopes: [] }],
  ])('%s', async (_, forApi, forCaller) => {
    const { api, caller } = await pair(forApi, forCaller);
    const { envelope, message } = await asked(caller, api);
    const answer = await answerTo(api, message);
    expect(await idOf(caller, answer, { inReplyTo: envelope.nonce, request: REQUEST })).toBe('ok');
  });

  test('but they do in the way of the same content as a message, and an answer is none [A3]', async () => {
    const limits: [AgentOptions, AgentOptions, string][] = [
      [{ sendScopes: [] }, {}, 'SCOPE_DENIED scope'],
      [{}, { receiveScopes: [] }, 'SCOPE_NOT_ALLOWED scope'],
    ];
    for (const [forApi, forCaller, id] of limits) {
      const { api, caller } = await pair(forApi, forCaller);
      const { message } = await asked(caller, api);
      expect(await idOf(caller, await answerTo(api, message), {})).toBe('KIND_NOT_ACCEPTED kind');
      const [from, to] = [await identityOf('api'), await identityOf('caller')];
      const content = encodeUtf8(JSON.stringify({ status: 201 }));
      const asMessage = await sealed(from, to, content, { scope: 'orders', inReplyTo: message.envelopeId });
      expect(await idOf(caller, asMessage, {})).toBe(id);
    }
  });
});

describe('an answer cannot be sealed', () => {
  test('for a caller without a key record', async () => {
    const { world, api } = await pair();
    const caller = await world.stranger('bare');
    await world.registry.add(caller.did);
    const { message } = await asked(caller, api, { signedOnly: true, payload: undefined, scope: '*' });
    const error = await thrownBy(() => sealResponse(api, message, PLAIN));
    expect([error.id, error.status]).toEqual(['KEY_AGREEMENT_FAILED:NO_KEY_RECORD', 409]);
  });

  test('for one that was revoked meanwhile', async () => {
    const { world, api, caller } = await pair();
    const { message } = await asked(caller, api);
    await world.registry.revoke(caller.did);
    expect((await thrownBy(() => sealResponse(api, message, PLAIN))).id).toBe('LOOKUP_FAILED:DID_REVOKED');
  });
});
