import type { RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { expect } from '@jest/globals';
import Koa3 from 'koa';
import {
  Agent,
  type AgentOptions,
  authOf,
  type DualModeAdapter,
  type DualModeOptions,
  ERROR_TABLE,
  type ErrorId,
  MemoryTrustRegistry,
} from '../../../src/index.js';
import {
  type Answer,
  type Call,
  idOf,
  problemOf,
  type RefusalText,
  recorder,
  restOf,
  type Sent,
  type Service,
  start,
} from '../../support/http.js';

export * from '../../support/http.js';

const require = createRequire(import.meta.url);

// Koa

export type KoaClass = typeof Koa3;

/** For `describe.each`: the same tests over both. */
export const KOAS: { readonly name: string; readonly Koa: KoaClass }[] = [
  { name: 'Koa 3', Koa: Koa3 },
  { name: 'Koa 2', Koa: require('koa2') },
];

/** A parser that leaves nothing but what it made of the body, as koa-body does. */
export const tidyParser: Koa3.Middleware = async (ctx, next) => {
  const text = (await restOf(ctx.req)).toString();
  Object.assign(ctx.request, { body: text === '' ? {} : JSON.parse(text) });
  await next();
};

/** Parsers that leave the text in `rawBody` besides. */
export const PARSERS: [string, () => Koa3.Middleware][] = [
  ['koa-bodyparser', require('koa-bodyparser')],
  ['@koa/bodyparser', require('@koa/bodyparser').default],
];

export interface KoaMounted {
  readonly app: Koa3;
  readonly adapter: DualModeAdapter;
  readonly handler: Koa3.Middleware;
}

export interface KoaSetup {
  readonly Koa?: KoaClass;
  readonly api: DualModeOptions['agent'];
  readonly options?: Partial<DualModeOptions>;
  /** Puts the application together. Default: the adapter, then the handler for everything. */
  readonly mount?: (parts: KoaMounted) => void;
  /** What the server is given, if not the application itself. */
  readonly wrap?: (listener: RequestListener) => RequestListener;
}

/** A Koa application on a free port, closed after the test. By default in hybrid mode; `KEY` is the one good key. */
export async function serveKoa({
  Koa = Koa3,
  api,
  options,
  mount = plainMount,
  wrap,
}: KoaSetup): Promise<Service> {
  const service = recorder(api, options);
  const app = new Koa();
  app.silent = true;
  mount({
    app,
    adapter: service.adapter,
    async handler(ctx) {
      service.calls.push(await callOf(ctx));
      ctx.body = { ok: true };
    },
  });
  const listener: RequestListener = app.callback();
  return start(service, wrap ? wrap(listener) : listener);
}

const plainMount = ({ app, adapter, handler }: KoaMounted): void => {
  app.use(adapter.koa());
  app.use(handler);
};

async function callOf(ctx: Koa3.Context): Promise<Call> {
  const { method, originalUrl: url, headers, state } = ctx;
  const { body } = ctx.request as { body?: unknown };
  const stream = await restOf(ctx.req);
  return {
    method,
    url,
    headers,
    body,
    stream,
    auth: state.auth,
    authOf: authOf(ctx),
    message: state.agentMessage,
  };
}

// Parties

export interface Parties {
  readonly api: Agent;
  readonly caller: Agent;
}

/** An API and a caller it knows, new in every test. */
export async function parties(forApi: AgentOptions = {}, forCaller: AgentOptions = {}): Promise<Parties> {
  const registry = new MemoryTrustRegistry();
  const api = await Agent.quickstart({ name: 'api', registry, ...forApi });
  return { api, caller: await Agent.quickstart({ name: 'caller', registry, ...forCaller }) };
}

/** A caller, and a service that knows it. */
export async function serveKnown(
  setup: Omit<KoaSetup, 'api'>,
): Promise<{ readonly known: Parties; readonly service: Service }> {
  const known = await parties();
  return { known, service: await serveKoa({ ...setup, api: known.api }) };
}

// What came of it

/** Sends, and holds the answer against everything that is true of every refusal. */
export async function expectRefused(service: Service, sent: Sent, expected: RefusalText): Promise<Answer> {
  const calls = service.calls.length;
  const answer = await service.send(sent);
  await service.quiet();
  const [status, id] = expected.split(' ') as [string, ErrorId];
  const { title, type } = problemOf(answer);
  expect(`${answer.status} ${idOf(answer)}`).toBe(expected);
  expect([type, title]).toEqual([
    `https://xail.io/docs/packages/xlink/errors#${id}`,
    ERROR_TABLE[id].message,
  ]);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  });
  expect(answer.headers['www-authenticate'] !== undefined).toBe(status === '401');
  expect(service.calls).toHaveLength(calls);
  return answer;
}

/** Requests that were counted, as `outcome reason status route`. */
export const counted = ({ events }: Service): string[] =>
  events.flatMap((event) =>
    event.type === 'request' ? [`${event.outcome} ${event.reason} ${event.status} ${event.route}`] : [],
  );
