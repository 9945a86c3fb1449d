import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { authOf } from '@private.me/xlink';
import {
  honoMiddleware,
  honoWellKnown,
  requireScope,
  requireThat,
  requireXlink,
} from '@private.me/xlink/hono';
import { type Context, Hono } from 'hono';
import type { Call, Recorder } from '../service.js';
import { FIRST_EVENT, guardOf, isGuarded, type Plan, prefixOf, type Waiting } from './plan.js';

/** The API of a plan with Hono, on Node. */
export function honoApi(parts: Recorder, plan: Plan, slow: Waiting[]): RequestListener {
  const app = new Hono();
  app.onError((error, c) => {
    const { status, body } = plan.onError?.(error) ?? { status: 500, body: {} };
    return c.json(body, status as 500);
  });
  app.use((c, next) => {
    for (const [name, values] of Object.entries(plan.headers ?? {}))
      for (const value of [values].flat()) c.res.headers.append(name, value);
    return next();
  });
  if (plan.wellKnown) app.use(honoWellKnown(parts.adapter) as never);
  if (plan.at !== 'nowhere') app.use(`${prefixOf(plan) ?? ''}/*`, adapterOf(parts, plan));
  if (plan.second) app.use(plan.second.path, honoMiddleware(plan.second.adapter) as never);
  app.use((c, next) => {
    meddleWith(c, plan);
    return next();
  });
  if (plan.guard) {
    const { name } = plan.guard;
    const guard = guardOf({ requireScope, requireThat, requireXlink }, name);
    app.use(async (c, next) => (isGuarded(plan, c.req.path) ? guard(c as never, next) : next()));
  }
  app.get('/throws', () => {
    throw new Error('handler');
  });
  app.get('/none', (c) => c.body(null, 204));
  app.get('/events', () => new Response(eventStream(), { headers: { 'content-type': 'text/event-stream' } }));
  app.post('/unread', (c) => c.json({ ok: true }));
  app.get('/slow', async () => waitingIn(slow, parts));
  app.on('ALL', [`${prefixOf(plan) ?? ''}/*`, '/open'], async (c) => {
    parts.calls.push(await callOf(c));
    return c.json({ ok: true });
  });
  return getRequestListener(app.fetch, { overrideGlobalObjects: false }) as RequestListener;
}

const adapterOf = ({ adapter }: Recorder, { onRefusal }: Plan) =>
  honoMiddleware(
    adapter,
    onRefusal
      ? {
          onRefusal(refusal, c: Context) {
            const own = onRefusal(refusal);
            if (own instanceof Error) throw own;
            return 'status' in own
              ? Response.json(own.body, { status: own.status })
              : c.json(own.body as never);
          },
        }
      : {},
  ) as never;

/** Handlers of Hono ask `c.get('auth')`. */
function meddleWith(c: Context, { meddle }: Plan): void {
  const place = { auth: c.get('auth') };
  meddle?.(place, c);
  c.set('auth', place.auth);
}

const eventStream = () =>
  new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(FIRST_EVENT)) });

const waitingIn = (slow: Waiting[], { signals }: Recorder): Promise<Response> =>
  new Promise((resolve) => {
    const end = (text = '') => resolve(new Response(String(text)));
    slow.push({ end } as unknown as Waiting);
    signals.emit('slow');
  });

async function callOf(c: Context): Promise<Call> {
  const { pathname, search } = new URL(c.req.url);
  return {
    method: c.req.method,
    url: pathname + search,
    headers: Object.fromEntries(c.req.raw.headers),
    body: undefined,
    stream: Buffer.from(await c.req.arrayBuffer()),
    auth: c.get('auth'),
    authOf: authOf(c),
    message: c.get('agentMessage'),
  };
}
