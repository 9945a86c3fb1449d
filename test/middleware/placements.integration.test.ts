import { createServer, request as httpRequest } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { type DualModeOptions, type InboundRequest, requestBinding } from '@private.me/xlink';
import { FRAMEWORKS, type Mounted } from '../support/express.js';
import { altered } from '../support/forge.js';
import {
  type Answer,
  bodyForm,
  type Call,
  expectRefused,
  headerForm,
  json,
  listen,
  ORDER,
  type RefusalText,
  type Sent,
  sealedEnvelope,
  sealedRequest,
  send,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../support/http.js';
import { World, type WorldWithCaller } from '../support/world.js';
import { jsonTextOf } from './support.js';

interface Placement {
  readonly name: string;
  readonly mount: (parts: Mounted) => void;
  readonly options?: Partial<DualModeOptions>;
  /** Requests go through a proxy that puts this in the place of `/api` at the start of their paths. */
  readonly rewriteTo?: string;
}

const EVERYTHING = { type: '*/*' };
const FORWARDED = 'x-original-target';
const fromProxy = (request: InboundRequest) => request.header(FORWARDED) ?? request.target;

const plain = ({ app, adapter, handler }: Mounted) => void app.use(adapter.middleware(), handler);

/** Below /api, the paths of clients; /internal is what the proxy makes of it. */
const PLACEMENTS: Placement[] = [
  { name: 'in front of nothing', mount: plain },
  {
    name: 'in front of express.json',
    mount: ({ app, express, adapter, handler }) =>
      void app.use(adapter.middleware(), express.json(), handler),
  },
  {
    name: 'in front of every parser there is',
    mount({ app, express, adapter, handler }) {
      app.use(adapter.middleware());
      app.use(express.json(), express.urlencoded({ extended: true }), express.text(), express.raw());
      app.use(handler);
    },
  },
  {
    name: 'behind express.raw',
    mount: ({ app, express, adapter, handler }) =>
      void app.use(express.raw(EVERYTHING), adapter.middleware(), handler),
  },
  {
    name: 'behind express.raw and in front of express.json',
    mount({ app, express, adapter, handler }) {
      app.use(express.raw(EVERYTHING), adapter.middleware(), express.json(), handler);
    },
  },
  {
    name: 'behind express.text',
    mount: ({ app, express, adapter, handler }) =>
      void app.use(express.text(EVERYTHING), adapter.middleware(), handler),
  },
  {
    name: 'behind express.json, which leaves envelopes alone',
    mount({ app, express, adapter, handler }) {
      const verify = (req: object, _res: unknown, rawBody: Buffer) => void Object.assign(req, { rawBody });
      app.use(express.json({ verify }), adapter.middleware(), handler);
    },
  },
  {
    name: 'on a router below a prefix',
    mount({ app, express, adapter, handler }) {
      const router = express.Router();
      router.use(adapter.middleware(), handler);
      app.use('/api', router);
    },
  },
  {
    name: 'in an application inside another',
    mount({ app, express, adapter, handler }) {
      const inner = express();
      inner.use(adapter.middleware(), handler);
      app.use('/api', inner);
    },
  },
  {
    name: 'on single routes',
    mount: ({ app, adapter, handler }) =>
      void app.all(['/api/orders', '/api/orders/:id'], adapter.middleware(), handler),
  },
  {
    name: 'behind a middleware that takes its time',
    mount({ app, adapter, handler }) {
      app.use((_req, _res, next) => void setImmediate(() => setImmediate(next)));
      app.use(adapter.middleware(), handler);
    },
  },
  {
    name: 'behind a proxy that rewrites paths, with requestTarget',
    mount: plain,
    rewriteTo: '/internal/v2',
    options: { requestTarget: fromProxy },
  },
];

const ORDERS = '/api/orders?dry=1';

/** A client of the placed adapter. */
async function place(express: Mounted['express'], { mount, options, rewriteTo }: Placement) {
  const known = await World.withCaller();
  const service = await known.serve({ express, mount, ...options });
  const port =
    rewriteTo === undefined ? service.port : (await listen(rewritingProxy(service.port, rewriteTo))).port;
  const ask = (sent: Sent): Promise<Answer> => send(port, { path: ORDERS, ...sent });
  return { known, service, ask };
}

/** What proxies do that publish an API under another path. They say what the path was, and take the client's word from nobody. */
function rewritingProxy(port: number, prefix: string) {
  return createServer((req, res) => {
    const path = req.url!.replace(/^\/api/, prefix);
    const headers = { ...req.headers, [FORWARDED]: req.url! };
    const onward = httpRequest({ host: '127.0.0.1', port, method: req.method!, path, headers, agent: false });
    onward.on('response', (answer) => {
      res.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(res);
    });
    req.pipe(onward);
  });
}

const at = { path: ORDERS };
const POST = json(ORDER, at);
const lastOf = (calls: Call[]): Call => calls.at(-1)!;

const REFUSALS: [string, RefusalText, (known: WorldWithCaller) => Promise<Sent>][] = [
  ['a wrong key', '401 API_KEY_INVALID', async () => withKey(POST, 'wrong-key-of-somebody')],
  ['nothing', '401 CREDENTIALS_MISSING', async () => POST],
  [
    'a sealed body for another path',
    '401 REQUEST_BINDING_MISMATCH',
    async (known) => ({ ...(await sealedRequest(known, at)), path: '/api/orders/7' }),
  ],
  [
    'a sealed body that was received before',
    '409 REPLAY_DETECTED',
    async (known) => {
      const envelope = await sealedEnvelope(known, at);
      const request = requestBinding('POST', at.path);
      await known.api.receiveContent(envelope, { kind: 'request', request });
      return bodyForm(envelope);
    },
  ],
  [
    'a sealed body that was changed',
    '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    async (known) => bodyForm(altered(await sealedEnvelope(known, at), { scope: 'admin' })),
  ],
  [
    'a body other than the one that was signed',
    '401 CONTENT_DIGEST_MISMATCH',
    async (known) => headerForm(await signedEnvelope(known, POST), { ...POST, body: '{"item":"gold"}' }),
  ],
  [
    'a body that nobody signed',
    '400 CONTENT_DIGEST_MISSING',
    async (known) => headerForm(await signedEnvelope(known, { ...at, method: 'POST' }), POST),
  ],
  [
    'an envelope for another method',
    '401 REQUEST_BINDING_MISMATCH',
    async (known) => ({ ...(await signedRequest(known, at)), method: 'DELETE' }),
  ],
];

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe.each(PLACEMENTS)('$name', (placement) => {
    test('a key caller is served as without the adapter', async () => {
      const { service, ask } = await place(express, placement);
      expect((await ask(withKey(POST))).status).toBe(200);
      expect(
        jsonTextOf(lastOf(service.calls))
          .replace(/^"(.*)"$/, '$1')
          .replaceAll('\\', ''),
      ).toBe(POST.body);
      expect(lastOf(service.calls).auth).toEqual({ mode: 'api-key', userId: 'u1' });
    });

    test('a sealed body arrives opened', async () => {
      const { known, service, ask } = await place(express, placement);
      expect((await ask(await sealedRequest(known, at))).status).toBe(200);
      const { body, auth, authOf, message, headers } = lastOf(service.calls);
      expect(body).toEqual(ORDER);
      expect(auth).toMatchObject({ mode: 'xlink', did: known.caller.did, encrypted: true });
      expect(authOf).toEqual(auth);
      expect(message).toMatchObject({ sender: known.caller.did, payload: ORDER });
      expect(headers['content-type']).toBe('application/json');
      expect(service.validated).toEqual([]);
    });

    test('an envelope in a header speaks for a GET', async () => {
      const { known, service, ask } = await place(express, placement);
      expect((await ask(await signedRequest(known, at))).status).toBe(200);
      expect(lastOf(service.calls)).toMatchObject({
        method: 'GET',
        auth: { mode: 'xlink', encrypted: false },
      });
    });

    test('a body beside an envelope is handed on as for a key caller', async () => {
      const { known, service, ask } = await place(express, placement);
      for (const chunked of [false, true]) {
        await ask(withKey({ ...POST, chunked }));
        expect((await ask({ ...(await signedRequest(known, POST)), chunked })).status).toBe(200);
        const [byKey, byEnvelope] = service.calls.slice(-2);
        expect(byEnvelope!.auth).toMatchObject({ mode: 'xlink', encrypted: false });
        expect([byEnvelope!.body, byEnvelope!.stream]).toEqual([byKey!.body, byKey!.stream]);
      }
    });

    test.each(REFUSALS)('refuses %s', async (_, refusal, make) => {
      const { known, service, ask } = await place(express, placement);
      const sent = await make(known);
      await expectRefused(service, await ask(sent), refusal);
      expect(service.validated).toHaveLength(refusal === '401 API_KEY_INVALID' ? 1 : 0);
    });
  });

  describe('behind express.json for every type, where nothing is left to verify', () => {
    const placement: Placement = {
      name: '',
      mount: ({ app, express: make, adapter, handler }) =>
        void app.use(make.json(EVERYTHING), adapter.middleware(), handler),
    };

    test('an enveloped body fails at once, and the server is told why', async () => {
      const { known, service, ask } = await place(express, placement);
      const answer = await ask(withKey(await sealedRequest(known, at)));
      await expectRefused(service, answer, '500 BODY_CONSUMED');
      expect(service.events).toContainEqual(
        expect.objectContaining({ type: 'fault', error: expect.objectContaining({ id: 'BODY_CONSUMED' }) }),
      );
      expect(service.validated).toEqual([]);
    });

    test('so does a body beside an envelope', async () => {
      const { known, service, ask } = await place(express, placement);
      await expectRefused(service, await ask(withKey(await signedRequest(known, POST))), '500 BODY_CONSUMED');
      expect(service.validated).toEqual([]);
    });

    test('requests without a body, and keys, work', async () => {
      const { known, service, ask } = await place(express, placement);
      expect((await ask(await signedRequest(known, at))).status).toBe(200);
      expect((await ask(withKey(POST))).status).toBe(200);
      expect(service.calls.map(({ auth }) => auth)).toMatchObject([{ mode: 'xlink' }, { mode: 'api-key' }]);
    });
  });

  describe('behind a proxy that rewrites paths, without requestTarget', () => {
    const placement: Placement = { name: '', mount: plain, rewriteTo: '/internal/v2' };

    test('envelopes are refused for a target that the client never saw', async () => {
      const { known, service, ask } = await place(express, placement);
      await expectRefused(service, await ask(await sealedRequest(known, at)), '401 REQUEST_BINDING_MISMATCH');
      await expectRefused(service, await ask(await signedRequest(known, at)), '401 REQUEST_BINDING_MISMATCH');
    });

    test('keys work as before', async () => {
      const { service, ask } = await place(express, placement);
      expect((await ask(withKey(at))).status).toBe(200);
      expect(service.calls[0]!.url).toBe('/internal/v2/orders?dry=1');
    });
  });
});
