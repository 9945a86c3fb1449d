import { describe, expect, test } from '@jest/globals';
import type { Agent, AgentMessage, AgentOptions, Envelope, InboundRequest, Version } from '@private.me/xlink';
import type { SealedResponse } from '@private.me/xlink/client';
import { sealResponse, wantsSealedResponse } from '../../src/adapters/sealed-response.js';
import { thrownBy } from '../support/results.js';
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
  const envelope = await caller.createEnvelope({
    to: api.did,
    payload: 1,
    request: REQUEST,
    scope: 'orders',
    ...draft,
  });
  const received = await api.receive(envelope, { allowCleartext: true });
  if (!received.ok) throw received.error;
  return { envelope, message: received.value };
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

  test('answers a signed-only request and one for no request in particular', async () => {
    const { api, caller } = await pair();
    const bodiless = await asked(caller, api, { signedOnly: true, payload: undefined });
    expect(
      await idOf(caller, await answerTo(api, bodiless.message), { inReplyTo: bodiless.envelope.nonce }),
    ).toBe('ok');
    const unbound = await asked(caller, api, { request: undefined });
    const answer = await answerTo(api, unbound.message);
    expect(answer).not.toHaveProperty('request');
    expect(await idOf(caller, answer, { inReplyTo: unbound.envelope.nonce })).toBe('ok');
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
    const message = await api.createEnvelope({ to: caller.did, payload: PLAIN.status, request: REQUEST });
    expect(await idOf(caller, message, { inReplyTo: envelope.nonce })).toBe('ANSWER_INVALID inReplyTo');
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
    const open = await api.createEnvelope({
      to: caller.did,
      payload: { status: 200 },
      inReplyTo: envelope.nonce,
      signedOnly: true,
    });
    expect(await idOf(caller, open, { inReplyTo: envelope.nonce })).toBe('CLEARTEXT_NOT_ALLOWED suite');
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

  test('but they do in the way of the same envelope as a message', async () => {
    const forApi = await pair({ sendScopes: [] });
    const first = await asked(forApi.caller, forApi.api);
    expect(await idOf(forApi.caller, await answerTo(forApi.api, first.message), {})).toBe(
      'SCOPE_DENIED scope',
    );
    const forCaller = await pair({}, { receiveScopes: [] });
    const second = await asked(forCaller.caller, forCaller.api);
    expect(await idOf(forCaller.caller, await answerTo(forCaller.api, second.message), {})).toBe(
      'SCOPE_NOT_ALLOWED scope',
    );
  });
});

describe('an answer cannot be sealed', () => {
  test('for a caller without a key record', async () => {
    const { world, api } = await pair();
    const caller = await world.stranger('bare');
    await world.registry.add(caller.did);
    const received = await api.receive(
      await caller.createEnvelope({ to: api.did, signedOnly: true, request: REQUEST }),
      { allowCleartext: true },
    );
    const error = await thrownBy(() => sealResponse(api, received.value!, PLAIN));
    expect([error.id, error.status]).toEqual(['KEY_AGREEMENT_FAILED:NO_KEY_RECORD', 409]);
  });

  test('for one that was revoked meanwhile', async () => {
    const { world, api, caller } = await pair();
    const { message } = await asked(caller, api);
    await world.registry.revoke(caller.did);
    expect((await thrownBy(() => sealResponse(api, message, PLAIN))).id).toBe('LOOKUP_FAILED:DID_REVOKED');
  });
});
