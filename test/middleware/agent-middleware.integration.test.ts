import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentMessage,
  type AgentMiddlewareOptions,
  authOf,
  ENVELOPE_TYPE,
  type Envelope,
  type ErrorId,
  requestBinding,
} from '@private.me/xlink';
import type { Application } from 'express';
import { seedOf } from '../support/agents.js';
import { headOf, sealedAnswer } from '../support/answers.js';
import { type Express, FRAMEWORKS } from '../support/express.js';
import {
  bodyForm,
  CANARY,
  headerForm,
  KEY,
  listen,
  ORDER,
  problemOf,
  type Sent,
  send,
} from '../support/http.js';
import { thrownBy, unwrap } from '../support/results.js';
import { World } from '../support/world.js';

const PATH = '/api/messages';

interface Seen {
  readonly msg: AgentMessage;
  readonly body: unknown;
  readonly verified: unknown;
}

/** The application of the papers. */
const BOUND = { request: requestBinding('POST', PATH) };

async function messages(
  express: Express,
  options?: AgentMiddlewareOptions,
  before?: (app: Application) => void,
) {
  const world = new World();
  const { clock, registry, transport } = world;
  const agent = (await Agent.fromSeed({ seed: seedOf('api'), clock, registry, transport })).value!;
  const caller = await world.agent('caller');
  const seen: Seen[] = [];
  const app = express();
  before?.(app);
  app.post(PATH, agent.middleware(options), (req, res) => {
    const msg = Reflect.get(req, 'agentMessage') as AgentMessage;
    seen.push({ msg, body: req.body, verified: authOf(req) });
    res.json({ ok: true });
  });
  const { port } = await listen(createServer(app));
  const post = (sent: Sent) => send(port, { method: 'POST', path: PATH, ...sent });
  const refused = async (sent: Sent): Promise<`${number} ${ErrorId}`> => {
    const answer = await post(sent);
    expect(seen).toEqual([]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    for (const secret of [KEY, CANARY]) expect(answer.text).not.toContain(secret);
    const { code, subCode } = problemOf(answer);
    return `${answer.status} ${subCode === undefined ? code : `${code}:${subCode}`}` as `${number} ${ErrorId}`;
  };
  return { agent, caller, seen, post, refused };
}

/** A message that speaks for the body beside it. */
const signedMessage = (from: Agent, to: Agent, { headers, body }: Sent): Promise<Envelope> =>
  from.createEnvelope({
    to: to.did,
    signedOnly: true,
    content: Buffer.from(body!),
    contentType: String(headers!['content-type']),
    ...BOUND,
  });

describe.each(FRAMEWORKS)('$name: agent.middleware()', ({ express }) => {
  test.each([ENVELOPE_TYPE, 'application/json', 'application/json; charset=utf-8'])(
    'takes an envelope that comes as %s',
    async (type) => {
      const { agent, caller, seen, post } = await messages(express);
      const envelope = await caller.createEnvelope({
        to: agent.did,
        payload: ORDER,
        scope: 'chat',
        ...BOUND,
      });
      const answer = await post(bodyForm(envelope, { headers: { 'content-type': type } }));

      expect([answer.status, answer.text]).toEqual([200, '{"ok":true}']);
      const message = {
        sender: caller.did,
        payload: ORDER,
        scope: 'chat',
        version: 2,
        encrypted: true,
        timestamp: envelope.timestamp,
        envelopeId: envelope.nonce,
        request: 'POST /api/messages',
        kind: 'message',
        contentType: 'application/json',
      };
      expect(seen).toEqual([
        { msg: message, body: ORDER, verified: expect.objectContaining({ mode: 'xlink', did: caller.did }) },
      ]);
    },
  );

  test('takes each envelope once', async () => {
    const { agent, caller, seen, post } = await messages(express);
    const sent = bodyForm(await caller.createEnvelope({ to: agent.did, payload: ORDER, ...BOUND }));
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await post(sent)).status));
    expect(statuses.sort()).toEqual([200, ...Array(7).fill(409)]);
    expect(seen).toHaveLength(1);
  });

  test('takes messages without a binding where requireRequestBinding: false says so, and holds the request against one that is there', async () => {
    const options = { requireRequestBinding: false };
    const { agent: open, caller: sender, post } = await messages(express, options);
    const unbound = await sender.createEnvelope({ to: open.did, payload: ORDER });
    expect((await post(bodyForm(unbound))).status).toBe(200);
    const { agent, caller, refused } = await messages(express, options);
    const bound = await caller.createEnvelope({ to: agent.did, payload: ORDER, request: 'POST /api/others' });
    expect(await refused(bodyForm(bound))).toBe('401 REQUEST_BINDING_MISMATCH');
  });

  test.each([{}, { requireRequestBinding: true }, { requireRequestBinding: undefined }])(
    'wants a binding unless told otherwise: %j [A9]',
    async (options) => {
      const { agent, caller, refused } = await messages(express, options as never);
      const unbound = await caller.createEnvelope({ to: agent.did, payload: ORDER });
      expect(await refused(bodyForm(unbound))).toBe('401 REQUEST_BINDING_REQUIRED');
    },
  );

  test('takes no request, answer or refusal for a message [A3]', async () => {
    const { agent, caller, refused } = await messages(express);
    const request = await caller.createRequest({ to: agent.did, payload: ORDER, ...BOUND });
    expect(await refused(bodyForm(request))).toBe('400 KIND_NOT_ACCEPTED');
    const asked = await agent.createRequest({ to: caller.did, payload: ORDER, ...BOUND });
    const received = await caller.receiveContent(asked, { kind: 'request', ...BOUND });
    const { message } = unwrap(received);
    const refusal = await caller.createRefusal(message, { status: 500 });
    expect(await refused(bodyForm(refusal))).toBe('400 KIND_NOT_ACCEPTED');
    // Of an answer the envelope is half.
    const answer = await sealedAnswer(caller, message, { body: JSON.stringify(ORDER) });
    expect(await refused(bodyForm(headOf(answer)))).toBe('400 PARSE_FAILED:MISSING_FIELD');
  });

  test('takes an option of undefined as absent', async () => {
    const options = { requireRequestBinding: undefined, allowCleartext: undefined, exposeDetails: undefined };
    const { agent, caller, post } = await messages(express, options as never);
    const bound = await caller.createEnvelope({ to: agent.did, payload: ORDER, ...BOUND });
    expect((await post(bodyForm(bound))).status).toBe(200);
  });

  test('takes signed-only envelopes where allowCleartext says so', async () => {
    const cleartext = { payload: ORDER, signedOnly: true, ...BOUND };
    const strict = await messages(express);
    const refused = await strict.refused(
      bodyForm(await strict.caller.createEnvelope({ to: strict.agent.did, ...cleartext })),
    );
    expect(refused).toBe('400 CLEARTEXT_NOT_ALLOWED');

    const { agent, caller, seen, post } = await messages(express, { allowCleartext: true });
    const envelope = await caller.createEnvelope({ to: agent.did, ...cleartext });
    expect((await post(bodyForm(envelope))).status).toBe(200);
    expect(seen[0]!.msg).toMatchObject({ payload: ORDER, encrypted: false });
  });

  test('tells hint and field where exposeDetails says so', async () => {
    const { post } = await messages(express, { exposeDetails: true });
    const world = new World();
    const foreign = await world.agent('foreign');
    const envelope = await foreign.createEnvelope({ to: foreign.did, payload: ORDER });
    expect(problemOf(await post(bodyForm(envelope)))).toMatchObject({
      code: 'RECIPIENT_MISMATCH',
      field: 'to',
    });
  });

  test('takes nothing but envelopes', async () => {
    const { refused } = await messages(express);
    const key = { 'x-api-key': KEY };
    expect(await refused({ headers: key })).toBe('401 XLINK_REQUIRED');
    expect(await refused({ headers: { ...key, 'content-type': 'text/plain' }, body: CANARY })).toBe(
      '401 XLINK_REQUIRED',
    );
    expect(await refused({})).toBe('401 CREDENTIALS_MISSING');
    const plain = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(ORDER) };
    expect(await refused(plain)).toBe('400 PARSE_FAILED:UNKNOWN_FIELD');
    expect(await refused({ ...plain, body: '[]' })).toBe('400 PARSE_FAILED:SYNTAX');
    expect(await refused({ ...plain, body: '' })).toBe('400 PARSE_FAILED:SYNTAX');
  });

  test('takes an envelope in a header too, unless the body may be one as well', async () => {
    const { agent: api, caller, post, seen, refused } = await messages(express);
    const upload = { method: 'POST', path: PATH, headers: { 'content-type': 'text/plain' }, body: 'hello' };
    const both = { ...upload, headers: { 'content-type': 'application/json' } };
    expect(await refused(headerForm(await signedMessage(caller, api, both), both))).toBe(
      '400 ENVELOPE_AMBIGUOUS',
    );
    expect((await post(headerForm(await signedMessage(caller, api, upload), upload))).status).toBe(200);
    expect(seen[0]!.msg).toMatchObject({ sender: caller.did, encrypted: false });
  });

  test('behind express.json for the whole application fails at once, with the code that names the fix', async () => {
    const { agent, caller, refused } = await messages(express, {}, (app) => void app.use(express.json()));
    const envelope = await caller.createEnvelope({ to: agent.did, payload: ORDER });
    const asJson = bodyForm(envelope, { headers: { 'content-type': 'application/json' } });
    expect(await refused(asJson)).toBe('500 BODY_CONSUMED');
  });

  test.each([
    ['requireRequestBinding', 'yes'],
    ['allowCleartext', 1],
    ['exposeDetails', null],
    ['mode', 'hybrid'],
    ['requireBinding', true],
  ])('refuses the option %s: %j', async (name, value) => {
    const { agent } = await messages(express);
    const error = await thrownBy(() => agent.middleware({ [name]: value }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', name]);
    expect(error.hint).toContain('Agent.middleware');
  });
});
