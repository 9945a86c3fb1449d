import { xlinkError } from '../errors/service-errors.js';

/** What each framework hands to middleware, told by what nothing else has. */
const FRAMEWORKS: readonly {
  readonly line: string;
  readonly fits: (first: Members, second: Members) => boolean;
}[] = [
  {
    line: "app.use(honoMiddleware(adapter)) of '@private.me/xlink/hono'",
    fits: (first) => 'req' in first && 'newResponse' in first,
  },
  {
    line: "app.register(fastifyXlink(adapter)) of '@private.me/xlink/fastify'",
    fits: (first, second) => 'raw' in first && 'raw' in second,
  },
  { line: 'app.use(adapter.koa())', fits: (first) => 'req' in first && 'res' in first && 'app' in first },
  {
    line: 'app.use(adapter.middleware())',
    fits: (first, second) => 'headers' in first && typeof second.setHeader === 'function',
  },
];

type Members = Record<string, unknown>;

/** Throws `FRAMEWORK_MISMATCH`, with the line that this framework takes. */
export function wrongFramework(first: unknown, second: unknown): never {
  const [a, b] = [first, second].map((value) => (typeof value === 'object' && value !== null ? value : {}));
  const found = FRAMEWORKS.find(({ fits }) => fits(a as Members, b as Members));
  throw xlinkError('FRAMEWORK_MISMATCH', found ? { hint: `Here it is ${found.line}.` } : {});
}
