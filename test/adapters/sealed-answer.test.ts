import { describe, expect, test } from '@jest/globals';
import type { Agent, AgentMessage, AgentOptions, InboundRequest, Version } from '@private.me/xlink';
import { wantsSealedAnswer } from '../../src/adapters/sealed-answer.js';
import type { ReceiveRules } from '../../src/agent/receive.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import {
  framesOf,
  headOf,
  openedAnswer,
  receivedAnswer,
  sealedAnswer,
  withHead,
} from '../support/answers.js';
import { sealed } from '../support/forge.js';
import { thrownBy, unwrap } from '../support/results.js';
import { World } from '../support/world.js';

const REQUEST = 'POST /orders?x=1';
const BODY = '{"ok":true,"n":"\u00e9"}';
const PLAIN = {
  status: 201,
  headers: [
    ['Content-Type', 'application/json; charset=utf-8'],
    ['X-Request-Id', '7'],
  ],
  body: BODY,
} as const;

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

const answerTo = (api: Agent, message: AgentMessage): Promise<Uint8Array> =>
  sealedAnswer(api, message, PLAIN);
const idOf = async (caller: Agent, answer: Uint8Array, rules: ReceiveRules) => {
  const received = await receivedAnswer(caller, answer, rules);
  return received.ok ? 'ok' : `${received.error.id} ${received.error.field ?? ''}`.trim();
};

describe('wantsSealedAnswer', () => {
  const wants = (accept: string | undefined) =>
    wantsSealedAnswer({
      header: (name: string) => (name === 'accept' ? accept : undefined),
    } as InboundRequest);

  test.each([
    'application/xlink-answer',
    'APPLICATION/XLINK-Answer',
    ' application/xlink-answer ; q=0.5',
    'application/json, application/xlink-answer',
    'text/html;q=0.9,application/xlink-answer;v=1,*/*',
  ])('%s: yes', (accept) => {
    expect(wants(accept)).toBe(true);
  });

  test.each([
    undefined,
    '',
    '*/*',
    'application/*',
    'application/json',
    'application/xlink-answer+json',
    'x-application/xlink-answer',
    'text/plain; x=application/xlink-answer',
    'application/xlink-envelope',
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
      expect(headOf(answer)).toMatchObject({
        kind: 'answer',
        version: maxVersion,
        from: api.did,
        to: caller.did,
        scope: 'orders',
        request: REQUEST,
        inReplyTo: envelope.nonce,
      });
      expect(headOf(answer)).not.toHaveProperty('payload');
      for (const text of ['true', 'json', 'request-id'])
        expect(Buffer.from(answer).toString('latin1').toLowerCase()).not.toContain(text);
      const opened = await openedAnswer(caller, answer, { inReplyTo: envelope.nonce, request: REQUEST });
      expect(opened).toMatchObject({
        message: { sender: api.did, encrypted: true, inReplyTo: envelope.nonce },
        status: 201,
        contentType: 'application/json; charset=utf-8',
        headers: [['x-request-id', '7']],
        text: BODY,
      });
      const other = await world.agent('other');
      expect(await idOf(other, answer, { inReplyTo: envelope.nonce })).toBe('RECIPIENT_MISMATCH to');
    },
  );

  test('has no body where there is none, and no type', async () => {
    const { api, caller } = await pair();
    const { envelope, message } = await asked(caller, api);
    const answer = await sealedAnswer(api, message, { status: 204 });
    const opened = await openedAnswer(caller, answer, { inReplyTo: envelope.nonce });
    expect(opened).toMatchObject({ status: 204, contentType: '', headers: [], text: '' });
    expect(framesOf(answer).map(({ type }) => type)).toEqual([1, 3]);
  });

  test('answers a signed-only request and a message that is bound to no request', async () => {
    const { api, caller } = await pair();
    const bodiless = await asked(caller, api, { signedOnly: true, payload: undefined });
    expect(
      await idOf(caller, await answerTo(api, bodiless.message), { inReplyTo: bodiless.envelope.nonce }),
    ).toBe('ok');
    const message = await caller.createEnvelope({ to: api.did, payload: 1, scope: 'orders' });
    const answer = await answerTo(api, unwrap(await api.receive(message)));
    expect(headOf(answer)).not.toHaveProperty('request');
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
    const { envelope, message } = await asked(caller, api);
    const options = { inReplyTo: envelope.nonce, request: REQUEST };
    const draft = { to: caller.did, payload: PLAIN.status, request: REQUEST };
    const answer = await answerTo(api, message);
    for (const head of [
      await api.createEnvelope(draft),
      await api.createEnvelope({ ...draft, inReplyTo: envelope.nonce }),
      await api.createRequest(draft),
    ]) {
      expect(await idOf(caller, withHead(answer, head), options)).toBe('KIND_NOT_ACCEPTED kind');
      const received = await caller.receiveContent(head, options);
      expect(received.error?.id).toBe('KIND_NOT_ACCEPTED');
    }
  });

  test('changing what it answers breaks the signature', async () => {
    const { api, caller } = await pair();
    const [one, two] = [await asked(caller, api), await asked(caller, api)];
    const answer = await answerTo(api, one.message);
    const changed = withHead(answer, { ...headOf(answer), inReplyTo: two.envelope.nonce });
    expect(await idOf(caller, changed, { inReplyTo: two.envelope.nonce })).toMatch(
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
    const { envelope, message } = await asked(caller, api);
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
    const answer = await answerTo(api, message);
    for (const one of [open, refusal]) {
      expect(await idOf(caller, withHead(answer, one), options)).toBe('KIND_NOT_ACCEPTED kind');
      const renamed = withHead(answer, { ...one, kind: 'answer' });
      expect(await idOf(caller, renamed, options)).toBe('PARSE_FAILED kind');
    }
  });

  test('inReplyTo is a text, not just anything', async () => {
    const { api, caller } = await pair();
    const { message } = await asked(caller, api);
    expect(await idOf(caller, await answerTo(api, message), { inReplyTo: 7 as never })).toBe(
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
      const answer = await answerTo(api, message);
      expect(await idOf(caller, answer, {})).toBe('KIND_NOT_ACCEPTED kind');
      expect((await caller.receive(headOf(answer))).error?.id).toBe('PARSE_FAILED:MISSING_FIELD'); // half of an answer
      const [from, to] = [await identityOf('api'), await identityOf('caller')];
      const content = encodeUtf8(JSON.stringify({ status: 201 }));
      const asMessage = await sealed(from, to, content, { scope: 'orders', inReplyTo: message.envelopeId });
      const { error } = await caller.receive(asMessage);
      expect(`${error?.id} ${error?.field}`).toBe(id);
    }
  });
});

describe('an answer cannot be sealed', () => {
  test('for a caller without a key record', async () => {
    const { world, api } = await pair();
    const caller = await world.stranger('bare');
    await world.registry.add(caller.did);
    const { message } = await asked(caller, api, { signedOnly: true, payload: undefined, scope: '*' });
    const error = await thrownBy(() => api.prepareAnswer(message));
    expect([error.id, error.status]).toEqual(['KEY_AGREEMENT_FAILED:NO_KEY_RECORD', 409]);
  });

  test('for one that was revoked meanwhile', async () => {
    const { world, api, caller } = await pair();
    const { message } = await asked(caller, api);
    await world.registry.revoke(caller.did);
    expect((await thrownBy(() => api.prepareAnswer(message))).id).toBe('LOOKUP_FAILED:DID_REVOKED');
  });
});
