import { xlinkError } from '../errors/service-errors.js';

/** What stands in an application: what it is called, and where it comes from, is another thing in each framework. */
export type Part = 'adapter' | 'guard' | 'own routes';

interface Framework {
  /** Whether it is told by what it hands to middleware, which nothing else has. */
  readonly fits: (first: Members, second: Members) => boolean;
  readonly lines: Record<Part, string>;
}

type Members = Record<string, unknown>;

const FRAMEWORKS: readonly Framework[] = [
  {
    fits: (first) => 'req' in first && 'newResponse' in first,
    lines: {
      adapter: "app.use(honoMiddleware(adapter)) of '@private.me/xlink/hono'",
      guard: "a guard of '@private.me/xlink/hono'",
      'own routes': "app.use(honoWellKnown(adapter)) of '@private.me/xlink/hono'",
    },
  },
  {
    fits: (first, second) => ('raw' in first && 'raw' in second) || 'decorateRequest' in first,
    lines: {
      adapter: "app.register(fastifyXlink(adapter)) of '@private.me/xlink/fastify'",
      guard: "a guard of '@private.me/xlink/fastify' as preHandler",
      'own routes': "app.register(fastifyWellKnown(adapter)) of '@private.me/xlink/fastify'",
    },
  },
  {
    fits: (first) => 'req' in first && 'res' in first && 'app' in first,
    lines: {
      adapter: 'app.use(adapter.koa())',
      guard: "a guard of '@private.me/xlink/koa'",
      'own routes': 'app.use(adapter.koaWellKnown())',
    },
  },
  {
    fits: (first, second) => 'headers' in first && typeof second['setHeader'] === 'function',
    lines: {
      adapter: 'app.use(adapter.middleware())',
      guard: "a guard of '@private.me/xlink'",
      'own routes': 'app.use(adapter.wellKnown())',
    },
  },
];

/** Throws `FRAMEWORK_MISMATCH` in any other framework than Express. */
export function assertExpress(part: Part, req: unknown, res: unknown, next: unknown): void {
  const [first, second] = [membersOf(req), membersOf(res)];
  const fits = typeof next === 'function' && first['headers'] && typeof second['setHeader'] === 'function';
  if (!fits || 'raw' in first) mismatch(part, first, second);
}

/** Throws `FRAMEWORK_MISMATCH` in any other framework than Koa. */
export function assertKoa(part: Part, ctx: unknown, next: unknown): void {
  const first = membersOf(ctx);
  if (!first['req'] || !first['res'] || !first['state']) mismatch(part, first, membersOf(next));
}

/** Throws `FRAMEWORK_MISMATCH` in any other framework than Hono. */
export function assertHono(part: Part, c: unknown, next: unknown): void {
  const first = membersOf(c);
  if (!(membersOf(first['req'])['raw'] instanceof Request)) mismatch(part, first, membersOf(next));
}

/** Throws `FRAMEWORK_MISMATCH` in any other framework than Fastify, for what it is to register. */
export function assertFastify(part: Part, fastify: unknown, second: unknown): void {
  const first = membersOf(fastify);
  if (typeof first['decorateRequest'] !== 'function') mismatch(part, first, membersOf(second));
}

/** Throws `FRAMEWORK_MISMATCH` in any other framework than Fastify, for its hooks. */
export function assertFastifyHook(part: Part, request: unknown, reply: unknown): void {
  const [first, second] = [membersOf(request), membersOf(reply)];
  if (!first['raw'] || !second['raw']) mismatch(part, first, second);
}

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {};

/** Names what this framework takes. */
function mismatch(part: Part, first: Members, second: Members): never {
  const found = FRAMEWORKS.find(({ fits }) => fits(first, second));
  throw xlinkError('FRAMEWORK_MISMATCH', found ? { hint: `Here it is ${found.lines[part]}.` } : {});
}
