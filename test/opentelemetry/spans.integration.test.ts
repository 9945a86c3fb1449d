import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as api from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
} from '@opentelemetry/sdk-trace-base';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
} from '@opentelemetry/semantic-conventions';
import { MemoryClientStore, type Tracer } from '@private.me/xlink';
import { type OpenTelemetryOptions, openTelemetry } from '@private.me/xlink/opentelemetry';
import { SCOPE } from '../../src/opentelemetry/scope.js';
import { CANARY, KEY, PREFLIGHT, sealedRequest, signedRequest, withKey } from '../support/http.js';
import { optionRefusedBy } from '../support/results.js';
import { World } from '../support/world.js';
import { mountTraced, sdk } from './support.js';

async function traced(options: OpenTelemetryOptions = {}, more: object = {}) {
  const known = await World.withCaller();
  const inHandler: (api.SpanContext | undefined)[] = [];
  const tracer = openTelemetry(options);
  expect(await tracer.ready).toBe(true);
  const service = await known.serve({ tracer, ...more, mount: mountTraced(inHandler) });
  const requests = () => service.events.flatMap((event) => (event.type === 'request' ? [event] : []));
  return { ...known, known, service, inHandler, requests };
}

const parentOf = ({ parentSpanContext }: ReadableSpan) => parentSpanContext?.spanId;

describe('a span around each authentication', () => {
  test('is internal, beneath the span of the server, and over before the handler runs', async () => {
    const { spans } = sdk();
    const { service, inHandler, requests } = await traced();
    await service.send(withKey());
    await service.quiet();
    const [server] = spans('server');
    const [span, ...others] = spans();
    expect(others).toEqual([]);
    expect(span).toMatchObject({
      kind: api.SpanKind.INTERNAL,
      status: { code: api.SpanStatusCode.UNSET },
      instrumentationScope: SCOPE,
      events: [],
      links: [],
    });
    expect(parentOf(span!)).toBe(server!.spanContext().spanId);
    expect(inHandler).toEqual([server!.spanContext()]);
    expect(requests().map(({ traceId }) => traceId)).toEqual([span!.spanContext().traceId]);
  });

  test('carries the version of the package', () => {
    const { name, version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(SCOPE).toEqual({ name, version });
  });

  test('says how it was decided, and nothing of who it was', async () => {
    const { spans } = sdk();
    const { service, known } = await traced({}, { clients: new MemoryClientStore() });
    const signed = await signedRequest(known);
    for (const sent of [
      withKey(),
      await sealedRequest(known),
      signed,
      signed,
      {},
      withKey({}, 'wrong-key-canary'),
    ])
      await service.send(sent);
    await service.send({ ...withKey(), method: 'PURGE' });
    await service.quiet();
    const base = { 'xlink.mode': 'hybrid' };
    const accepted = { ...base, 'xlink.auth.outcome': 'accepted' };
    const refused = (reason: string, status: number) => ({
      ...base,
      [ATTR_HTTP_REQUEST_METHOD]: 'GET',
      'xlink.auth.outcome': 'refused',
      [ATTR_ERROR_TYPE]: reason,
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: status,
    });
    const envelope = (encrypted: boolean) => ({
      'xlink.auth.form': 'envelope',
      'xlink.envelope.version': 2,
      'xlink.envelope.encrypted': encrypted,
    });
    expect(spans().map(({ attributes }) => attributes)).toEqual([
      { ...accepted, [ATTR_HTTP_REQUEST_METHOD]: 'GET', 'xlink.auth.method': 'api-key' },
      { ...accepted, [ATTR_HTTP_REQUEST_METHOD]: 'POST', 'xlink.auth.method': 'xlink', ...envelope(true) },
      { ...accepted, [ATTR_HTTP_REQUEST_METHOD]: 'GET', 'xlink.auth.method': 'xlink', ...envelope(false) },
      { ...refused('REPLAY_DETECTED', 409), 'xlink.auth.method': 'xlink' },
      { ...refused('CREDENTIALS_MISSING', 401), 'xlink.auth.method': 'none' },
      { ...refused('API_KEY_INVALID', 401), 'xlink.auth.method': 'api-key' },
      { ...accepted, [ATTR_HTTP_REQUEST_METHOD]: '_OTHER', 'xlink.auth.method': 'api-key' },
    ]);
    expect(spans().map(({ status }) => status.code)).toEqual(Array(7).fill(api.SpanStatusCode.UNSET));
    const text = JSON.stringify(
      spans().map(({ attributes, name, status }) => ({ attributes, name, status })),
    );
    for (const secret of [KEY, CANARY, ...service.secrets]) expect(text).not.toContain(secret);
  });

  test('says who it was if asked to', async () => {
    const { spans } = sdk();
    const { service, known, caller } = await traced(
      { identities: true },
      { clients: new MemoryClientStore() },
    );
    await service.send(withKey());
    await service.send(await sealedRequest(known));
    expect(spans().map(({ attributes }) => [attributes['user.id'], attributes['xlink.did']])).toEqual([
      ['u1', undefined],
      [caller.did, caller.did],
    ]);
  });

  test('is an error if the fault is on this side, without a word of the cause', async () => {
    const { spans } = sdk();
    const { service } = await traced(
      {},
      { legacyKeyValidator: () => Promise.reject(new Error(`pw ${CANARY}`)) },
    );
    await service.send(withKey());
    const [span] = spans();
    expect(span).toMatchObject({ status: { code: api.SpanStatusCode.ERROR }, events: [] });
    expect(span!.status.message).toBeUndefined();
    expect(span!.attributes).toMatchObject({
      [ATTR_ERROR_TYPE]: 'KEY_VALIDATOR_FAILED',
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: 503,
    });
    expect(JSON.stringify(span!.attributes)).not.toContain(CANARY);
  });

  test('annotates the span of the server if asked to, and does not otherwise', async () => {
    const { spans } = sdk();
    const { service } = await traced({ annotateParent: true });
    await service.send(withKey());
    await service.quiet();
    expect(spans('server')[0]!.attributes).toEqual({
      parent: '',
      'xlink.mode': 'hybrid',
      'xlink.auth.method': 'api-key',
      'xlink.auth.outcome': 'accepted',
    });
    const plain = await traced();
    await plain.service.send(withKey());
    await plain.service.quiet();
    expect(spans('server')[1]!.attributes).toEqual({ parent: '' });
  });

  test('is active while lookups run', async () => {
    const { spans } = sdk();
    const { service } = await traced(
      {},
      {
        async legacyKeyValidator() {
          await null;
          api.trace.getTracer('store').startSpan('lookup').end();
          return { userId: 'u1' };
        },
      },
    );
    await service.send(withKey());
    expect(parentOf(spans('lookup')[0]!)).toBe(spans()[0]!.spanContext().spanId);
  });

  test('is not there for preflights and skipped requests; enrollment and discovery have one', async () => {
    const { spans } = sdk();
    const { service } = await traced({}, { skip: ({ target }: { target: string }) => target === '/health' });
    await service.send(PREFLIGHT);
    await service.send({ path: '/health' });
    expect(spans()).toEqual([]);
    await service.send({ path: '/.well-known/xlink.json' });
    expect(spans().map(({ attributes }) => attributes['http.response.status_code'])).toEqual([undefined]);
  });
});

describe('what is not sampled', () => {
  const recordOnly: Sampler = {
    shouldSample: () => ({ decision: SamplingDecision.RECORD }),
    toString: () => 'record only',
  };
  test.each<[string, Sampler]>([
    ['dropped', new AlwaysOffSampler()],
    ['recorded only', recordOnly],
    ['dropped by its parent', new ParentBasedSampler({ root: new AlwaysOffSampler() })],
  ])('%s: no span is exported and no trace named', async (_, sampler) => {
    const { spans } = sdk(sampler);
    const { service, requests } = await traced();
    await service.send(withKey());
    await service.quiet();
    expect(spans()).toEqual([]);
    expect(requests().map((event) => 'traceId' in event)).toEqual([false]);
  });

  test('without an SDK nothing happens', async () => {
    const { service, requests } = await traced();
    expect((await service.send(withKey())).status).toBe(200);
    await service.quiet();
    expect(requests().map((event) => 'traceId' in event)).toEqual([false]);
  });

  test('an SDK that is registered later is used from then on', async () => {
    const { service } = await traced({ api });
    await service.send(withKey());
    const { spans } = sdk();
    await service.send(withKey());
    expect(spans()).toHaveLength(1);
  });
});

test('a hundred requests at once keep their own parents', async () => {
  const { spans } = sdk();
  const { service, known, requests } = await traced(
    {},
    {
      legacyKeyValidator: (key: string) =>
        new Promise((resolve) => setImmediate(resolve, key === KEY ? {} : null)),
    },
  );
  const sent = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const request = index % 3 === 0 ? await signedRequest(known) : index % 3 === 1 ? withKey() : {};
      return { ...request, headers: { ...request.headers, 'x-parent': String(index) } };
    }),
  );
  await Promise.all(sent.map((one) => service.send(one)));
  await service.quiet();
  const methods = ['xlink', 'api-key', 'none'];
  const servers = new Map(
    spans('server').map((span) => [span.spanContext().spanId, Number(span.attributes['parent'])]),
  );
  expect(servers.size).toBe(100);
  const seen = spans().map((span) => {
    const index = servers.get(parentOf(span)!)!;
    expect(span.attributes['xlink.auth.method']).toBe(methods[index % 3]);
    return index;
  });
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  expect(new Set(requests().map(({ traceId }) => traceId)).size).toBe(100);
});

describe('a tracer that misbehaves costs the span and not the request', () => {
  const boom = () => {
    throw new Error('tracer');
  };
  const brokenSpan = {
    spanContext: boom,
    setAttributes: boom,
    setStatus: boom,
    end: boom,
    isRecording: boom,
  };
  const apiWith = (spans: object) => ({ ...api, trace: { ...api.trace, getTracer: () => spans } }) as never;
  const cases: [string, Tracer, number][] = [
    ['throws before', { trace: boom }, 1],
    [
      'throws after',
      {
        trace: (_, run) => {
          run({ end() {} });
          return boom();
        },
      },
      1,
    ],
    [
      'rejects',
      {
        trace: async (_, run) => {
          await run({ end() {} });
          return boom();
        },
      },
      1,
    ],
    [
      'calls twice',
      {
        trace: (_, run) => {
          run({ end() {} });
          return run({ end() {} });
        },
      },
      0,
    ],
    ['calls never', { trace: () => Promise.resolve() as never }, 0],
    ['never settles', { trace: () => new Promise(() => {}) }, 0],
    [
      'calls late',
      { trace: (_, run) => new Promise((resolve) => setTimeout(() => resolve(run({ end() {} })), 5)) },
      0,
    ],
    [
      'returns nothing',
      { trace: ((_: object, run: (span: object) => void) => void run({ end() {} })) as never },
      0,
    ],
    ['gives no span', { trace: (_, run) => run(undefined as never) }, 0],
    ['cannot end', { trace: (_, run) => run({ end: boom }) }, 1],
    [
      'has no trace to tell',
      {
        trace: (_, run) =>
          run({
            get traceId() {
              return boom();
            },
            end() {},
          }),
      },
      1,
    ],
    ['has an API that starts no span', openTelemetry({ api: apiWith({ startActiveSpan: boom }) }), 1],
    [
      'has an API whose spans are broken',
      openTelemetry({
        api: apiWith({
          startActiveSpan: (_: string, __: object, run: (span: object) => unknown) => run(brokenSpan),
        }),
      }),
      1,
    ],
  ];
  test.each(cases)('%s', async (_, tracer, faults) => {
    const known = await World.withCaller();
    const service = await known.serve({ tracer });
    const sent = [withKey(), await sealedRequest(known), {}];
    const statuses = [];
    for (const one of sent) statuses.push((await service.send(one)).status);
    await service.quiet();
    expect(statuses).toEqual([200, 200, 401]);
    expect(service.calls).toHaveLength(2);
    expect(service.validated).toEqual([KEY]);
    const types = service.events.map(({ type }) => type);
    expect(types.filter((type) => type === 'request')).toHaveLength(3);
    expect(types.filter((type) => type === 'fault')).toHaveLength(3 * faults);
  });
});

test('options are checked', async () => {
  for (const [options, field] of [
    [{ apis: api }, 'apis'],
    [{ api: {} }, 'api'],
    [{ api: null }, 'api'],
    [{ identities: 'yes' }, 'identities'],
    [{ annotateParent: 1 }, 'annotateParent'],
  ] as [never, string][])
    expect(await optionRefusedBy(() => openTelemetry(options))).toBe(field);
});
