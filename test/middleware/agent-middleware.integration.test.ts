import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentMessage,
  type AgentMiddlewareOptions,
  authOf,
  ENVELOPE_TYPE,
  type ErrorId,
} from '@private.me/xlink';
import type { Application } from 'express';
import { seedOf } from '../support/agents.js';
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
  signedEnvelope,
} from '../support/http.js';
import { thrownBy } from '../support/results.js';
import { World } from '../support/world.js';

const PATH = '/api/messages';

interface Seen {
  readonly msg: AgentMessage;
  readonly body: unknown;
  readonly verified: unknown;
}

/** The application of the papers. */
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

describe.each(FRAMEWORKS)('$name: agent.middleware()', ({ express }) => {
  test.each([ENVELOPE_TYPE, 'application/json', 'application/json; charset=utf-8'])(
    'takes an envelope that comes as %s',
    async (type) => {
      const { agent, caller, seen, post } = await messages(express);
      const envelope = await caller.createEnvelope({ to: agent.did, payload: ORDER, scope: 'chat' });
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
      };
      expect(seen).toEqual([
        { msg: message, body: ORDER, verified: expect.objectContaining({ mode: 'xlink', did: caller.did }) },
      ]);
    },
  );

  test('takes each envelope once', async () => {
    const { agent, caller, seen, post } = await messages(express);
    const sent = bodyForm(await caller.createEnvelope({ to: agent.did, payload: ORDER }));
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await post(sent)).status));
    expect(statuses.sort()).toEqual([200, ...Array(7).fill(409)]);
    expect(seen).toHaveLength(1);
  });

  test('takes no binding as such, but holds the request against one that is there', async () => {
    const { agent, caller, refused } = await messages(express);
    const bound = await caller.createEnvelope({ to: agent.did, payload: ORDER, request: 'POST /api/others' });
    expect(await refused(bodyForm(bound))).toBe('401 REQUEST_BINDING_MISMATCH');
  });

  test('wants a binding where requireRequestBinding says so', async () => {
    const { agent, caller, refused } = await messages(express, { requireRequestBinding: true });
    const unbound = await caller.createEnvelope({ to: agent.did, payload: ORDER });
    expect(await refused(bodyForm(unbound))).toBe('401 REQUEST_BINDING_REQUIRED');
  });

  test('takes an option of undefined as absent', async () => {
    const options = { requireRequestBinding: undefined, allowCleartext: undefined, exposeDetails: undefined };
    const { agent, caller, post } = await messages(express, options as never);
    const unbound = await caller.createEnvelope({ to: agent.did, payload: ORDER });
    expect((await post(bodyForm(unbound))).status).toBe(200);
  });

  test('takes signed-only envelopes where allowCleartext says so', async () => {
    const cleartext = { payload: ORDER, signedOnly: true };
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
    expect(await refused(headerForm(await signedEnvelope({ caller, api }, both), both))).toBe(
      '400 ENVELOPE_AMBIGUOUS',
    );
    expect((await post(headerForm(await signedEnvelope({ caller, api }, upload), upload))).status).toBe(200);
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
