import { describe, expect, test } from '@jest/globals';
import {
  type Agent,
  ANSWER_TYPE,
  ENVELOPE_TYPE,
  MemoryNonceStore,
  type MemoryTrustRegistry,
  type Mode,
  type NonceStore,
  requestBinding,
} from '@private.me/xlink';
import { BAD_BODIES } from '../middleware/bad-bodies.js';
import { BAD_HEADERS } from '../middleware/bad-headers.js';
import { LIMITS } from '../middleware/bad-requests.js';
import { FRAMEWORKS } from '../support/express.js';
import {
  type Answer,
  expectRefusal,
  methodOf,
  pathOf,
  problemOf,
  type RefusalText,
  type Sent,
  sealedRequest,
  signedRequest,
} from '../support/http.js';
import { idOf, unwrap } from '../support/results.js';
import { World, type WorldWithCaller } from '../support/world.js';

/** The same request, by a caller who asks for sealed answers. */
const asking = (sent: Sent): Sent => ({
  ...sent,
  headers: { ...sent.headers, accept: `${ANSWER_TYPE}, */*` },
});

const nonceOf = ({ headers = {}, body }: Sent): string => {
  const [, inHeader] = String(headers['authorization'] ?? '').split(' ');
  return JSON.parse(inHeader ? Buffer.from(inHeader, 'base64url').toString() : String(body)).nonce;
};

const isSigned = ({ headers }: Answer): boolean => headers['content-type'] === ENVELOPE_TYPE;

interface Asked {
  readonly inReplyTo?: string;
  readonly request?: string;
}

/** What the caller makes of a signed refusal of what it sent. */
const open = (caller: Agent, { text }: Answer, sent: Sent, other: Asked = {}) =>
  caller.receiveContent(text, {
    ...{ kind: 'refusal', allowCleartext: true, requireRequestBinding: true },
    inReplyTo: other.inReplyTo ?? nonceOf(sent),
    request: other.request ?? requestBinding(methodOf(sent), pathOf(sent)),
  });

/** A world whose API has a store that tells what was claimed; `around` a claim, something else may happen. */
async function watched(around: { before?: () => void; after?: (world: WorldWithCaller) => unknown } = {}) {
  const world = new World();
  const store = new MemoryNonceStore({ clock: world.clock });
  const claimed: string[] = [];
  const nonceStore: NonceStore = {
    seen: (use) => store.seen(use),
    async claim(use, ttlMs) {
      around.before?.();
      const isFirst = store.claim(use, ttlMs);
      if (isFirst) claimed.push(use.nonce);
      await around.after?.(known);
      return isFirst;
    },
  };
  const api = await world.agent('api', { nonceStore });
  const known = Object.assign(world, { api, caller: await world.agent('caller') });
  return { known, claimed };
}

/** What is found out only from the payload, the body or the mode of the client, once the nonce is claimed. */
const AFTER_CLAIM =
  /^\d+ (DECRYPT_FAILED|ENVELOPE_FORM_NOT_ALLOWED|CONTENT_(DIGEST|TYPE)_|BODY_TOO_LARGE|XLINK_NOT_SUPPORTED)/;

const BAD = [
  ...BAD_HEADERS.map((row) => ({ ...row, form: 'header' })),
  ...BAD_BODIES.map((row) => ({ ...row, form: 'body' })),
];

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('a bad request of a caller who asks for sealed answers is refused signed if its nonce was claimed, else not', () => {
    test.each(BAD)('$form: $name', async ({ make, refusal }) => {
      const { known, claimed } = await watched();
      const service = await known.serve({ express, ...LIMITS });
      const sent = asking(await make(known));
      claimed.length = 0;
      const answer = await service.send(sent);
      expect([isSigned(answer), claimed.length]).toEqual(AFTER_CLAIM.test(refusal) ? [true, 1] : [false, 0]);
      if (!isSigned(answer)) return expectRefusal(answer, refusal);
      const { message } = unwrap(await open(known.caller, answer, sent));
      expectRefusal(
        { ...answer, headers: asProblem(answer), text: JSON.stringify(message.payload) },
        refusal,
      );
      expect(message).toMatchObject({ sender: known.api.did, kind: 'refusal', encrypted: false });
      const again = await service.send(sent);
      expectRefusal(again, '409 REPLAY_DETECTED'); // whoever repeats it gets nothing signed
      expect(service.calls).toEqual([]);
    });
  });
});

const asProblem = ({ headers }: Answer) => ({ ...headers, 'content-type': 'application/problem+json' });

const FORMS = [
  ['in the body', sealedRequest],
  ['in a header', signedRequest],
] as const;

const OBSERVING: readonly [string, { mode?: Mode; routeModes?: { path: string; mode: Mode }[] }][] = [
  ['the service', { mode: 'observe' }],
  ['the route', { routeModes: [{ path: '/orders', mode: 'observe' }] }],
];

describe('XLINK_NOT_SUPPORTED', () => {
  describe.each(FORMS)('to an envelope %s', (_, make) => {
    test.each(OBSERVING)(
      'is signed where %s observes, and says the same as unsigned',
      async (__, options) => {
        const known = await World.withCaller();
        const service = await known.serve(options);
        const plain = await service.send(await make(known));
        expectRefusal(plain, '415 XLINK_NOT_SUPPORTED');
        const sent = asking(await make(known, {}, { scope: 'orders:read' }));
        const answer = await service.send(sent);
        expect([answer.status, answer.headers]).toMatchObject([
          415,
          { 'content-type': ENVELOPE_TYPE, 'cache-control': 'no-store' },
        ]);
        const { message } = unwrap(await open(known.caller, answer, sent));
        expect(message.payload).toEqual(problemOf(plain));
        expect(message).toMatchObject({
          ...{ kind: 'refusal', sender: known.api.did, scope: 'orders:read', encrypted: false },
          ...{ inReplyTo: nonceOf(sent), request: requestBinding(methodOf(sent), pathOf(sent)) },
        });
      },
    );

    test('is good for this request alone, for its sender, once, and as nothing but a refusal', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ mode: 'observe' });
      const [sent, other] = [asking(await make(known)), await make(known)];
      const answer = await service.send(sent);
      const opened = async (asked: Asked, by = known.caller) => idOf(await open(by, answer, sent, asked));
      expect(await opened({ inReplyTo: nonceOf(other) })).toBe('ANSWER_INVALID');
      expect(await opened({ request: 'POST /refunds' })).toBe('REQUEST_BINDING_MISMATCH');
      expect(await opened({}, await known.agent('another caller'))).toBe('RECIPIENT_MISMATCH');
      const reply = { inReplyTo: nonceOf(sent), request: requestBinding(methodOf(sent), pathOf(sent)) };
      for (const kind of ['message', 'request', 'answer', 'receipt'] as const) {
        const asAnother = await known.caller.receiveContent(answer.text, {
          ...{ kind, allowCleartext: true },
          ...(kind === 'answer' ? reply : { request: reply.request }),
        });
        expect([kind, idOf(asAnother)]).toEqual([kind, 'KIND_NOT_ACCEPTED']);
      }
      expect([await opened({}), await opened({})]).toEqual(['ok', 'REPLAY_DETECTED']);
    });

    test('uses the nonce up: what was refused is not carried out once the mode has changed', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ mode: 'observe' });
      const sent = asking(await make(known));
      expect(isSigned(await service.send(sent))).toBe(true);
      service.adapter.setMode('hybrid');
      expectRefusal(await service.send(sent), '409 REPLAY_DETECTED');
      expect(service.calls).toEqual([]);
      expect((await service.send(asking(await make(known)))).status).toBe(200);
    });
  });

  test('is signed for a client that was moved back on its own', async () => {
    const known = await World.withCaller();
    const service = await known.serve({ clients: known.clients });
    await known.clients.link(known.caller.did, 'acme');
    service.adapter.setMode('observe', undefined, { client: 'acme' });
    const sent = asking(await signedRequest(known));
    const { message } = unwrap(await open(known.caller, await service.send(sent), sent));
    expect(message.payload).toMatchObject({ code: 'XLINK_NOT_SUPPORTED', status: 415 });
  });

  test('is signed once for ten copies that arrive together', async () => {
    const known = await World.withCaller();
    const service = await known.serve({ mode: 'observe' });
    const sent = asking(await sealedRequest(known));
    const answers = await Promise.all(Array.from({ length: 10 }, () => service.send(sent)));
    expect(answers.filter(isSigned)).toHaveLength(1);
    for (const answer of answers.filter((one) => !isSigned(one)))
      expectRefusal(answer, '415 XLINK_NOT_SUPPORTED'); // as to all that cannot be received in this mode
  });
});

describe('a refusal that cannot be signed stays as it is', () => {
  const refused: [string, Parameters<typeof watched>[0], RefusalText][] = [
    [
      'the claim fails',
      {
        before() {
          throw new Error('down');
        },
      },
      '503 NONCE_STORE_UNAVAILABLE',
    ],
    [
      'the caller is revoked after the claim',
      { after: async ({ registry, caller }) => unwrap(await registry.revoke(caller.did)) },
      '415 XLINK_NOT_SUPPORTED',
    ],
  ];
  test.each(refused)('%s', async (_, around, refusal) => {
    const { known } = await watched(around);
    const service = await known.serve({ mode: 'observe' });
    expectRefusal(await service.send(asking(await sealedRequest(known))), refusal);
  });

  test('the registry is down after the claim', async () => {
    let isDown = false;
    const { known } = await watched({ after: () => void (isDown = true) });
    const registry = new Proxy(known.registry, {
      get: (target, name) =>
        name === 'lookup' && isDown ? () => Promise.reject(new Error('down')) : bound(target, name),
    });
    const api = await known.agent('api', { registry, nonceStore: known.api.nonceStore });
    const service = await known.serve({ mode: 'observe', agent: api });
    expectRefusal(await service.send(asking(await sealedRequest(known))), '415 XLINK_NOT_SUPPORTED');
    expect(isDown).toBe(true);
  });
});

const bound = (target: MemoryTrustRegistry, name: string | symbol): unknown => {
  const member = Reflect.get(target, name, target);
  return typeof member === 'function' ? member.bind(target) : member;
};
