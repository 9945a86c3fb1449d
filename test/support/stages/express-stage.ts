import type { RequestListener } from 'node:http';
import { requireScope, requireThat, requireXlink } from '@private.me/xlink';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { callOf, type Express } from '../express.js';
import type { Recorder } from '../service.js';
import {
  FIRST_EVENT,
  type GuardName,
  guardOf as guardFrom,
  type Plan,
  prefixOf,
  type Waiting,
} from './plan.js';

/** The API of a plan with Express. */
export function expressApi(express: Express, parts: Recorder, plan: Plan, slow: Waiting[]): RequestListener {
  const app = express();
  app.use(headersInFront(plan));
  if (plan.wellKnown) app.use(parts.adapter.wellKnown());
  if (plan.at !== 'nowhere') app.use(prefixOf(plan) ?? '/', adapterOf(parts, plan));
  if (plan.second) app.use(plan.second.path, plan.second.adapter.middleware());
  app.use(meddling(plan));
  if (plan.guard) app.use(plan.guard.path ?? '/', guardOf(plan.guard.name));
  app.get('/throws', () => {
    throw new Error('handler');
  });
  app.post('/unread', (_req, res) => void res.json({ ok: true }));
  app.get('/none', (_req, res) => void res.status(204).end());
  app.get('/events', eventStream);
  app.get('/slow', waitingIn(slow, parts));
  if (plan.forward) app.use(plan.forward);
  app.use(prefixOf(plan) ?? '/', recording(parts));
  app.get('/open', recording(parts));
  app.use(onError(plan));
  return app;
}

export const headersInFront =
  ({ headers = {} }: Plan): RequestHandler =>
  (_req, res, next) => {
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    next();
  };

export const adapterOf = ({ adapter }: Recorder, { onRefusal }: Plan): RequestHandler =>
  adapter.middleware(
    onRefusal
      ? {
          onRefusal(refusal, _req: Request, res: Response, next) {
            const own = onRefusal(refusal);
            if (own instanceof Error) next(own);
            else if ('status' in own) res.status(own.status).json(own.body);
            else res.json(own.body);
          },
        }
      : {},
  );

export const meddling =
  ({ meddle }: Plan): RequestHandler =>
  (req, _res, next) => {
    meddle?.(req as { auth?: unknown }, req);
    next();
  };

export const guardOf = (name: GuardName): RequestHandler =>
  guardFrom({ requireScope, requireThat, requireXlink }, name);

export const eventStream = (_req: unknown, res: Pick<Response, 'writeHead' | 'write'>): void => {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  res.write(FIRST_EVENT);
};

export const waitingIn =
  (slow: Waiting[], { signals }: Recorder) =>
  (_req: unknown, res: Waiting): void => {
    slow.push(res);
    signals.emit('slow');
  };

const recording =
  ({ calls }: Recorder): RequestHandler =>
  (req, res, next) =>
    callOf(req).then((call) => {
      calls.push(call);
      res.json({ ok: true });
    }, next);

const onError =
  ({ onError: own }: Plan): ErrorRequestHandler =>
  (error, _req, res, _next) => {
    const { status, body } = own?.(error) ?? { status: 500, body: {} };
    res.status(status).json(body);
  };
