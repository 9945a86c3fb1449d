import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import {
  All,
  type ArgumentsHost,
  applyDecorators,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  HttpCode,
  HttpException,
  Module,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { ExpressAdapter, NestExpressApplication } from '@nestjs/platform-express';
import type { Request, RequestHandler, Response } from 'express';
import { afterTest } from '../after-test.js';
import { callOf } from '../express.js';
import type { Recorder } from '../service.js';
import { adapterOf, eventStream, guardOf, headersInFront, meddling, waitingIn } from './express-stage.js';
import { isGuarded, type Plan, prefixOf, type Waiting } from './plan.js';

/** The API of a plan with NestJS on Express. Decorators are called by hand: the transform of the tests knows none. */
export async function nestApi(parts: Recorder, plan: Plan, slow: Waiting[]): Promise<RequestListener> {
  const prefix = prefixOf(plan);
  const app = await NestFactory.create<NestExpressApplication>(moduleOf(parts, plan, slow), {
    logger: false,
    bodyParser: false,
  });
  app.use(headersInFront(plan));
  if (plan.wellKnown) app.use(parts.adapter.wellKnown());
  if (plan.at !== 'nowhere') app.use(prefix ?? '/', adapterOf(parts, plan));
  if (plan.second) app.use(plan.second.path, plan.second.adapter.middleware());
  app.use(meddling(plan));
  if (prefix !== undefined) app.setGlobalPrefix(prefix, { exclude: ['open'] });
  if (plan.guard) app.useGlobalGuards(new Guard(plan, guardOf(plan.guard.name)));
  app.useGlobalFilters({ catch: (error: Error, host: ArgumentsHost) => answerError(error, host, plan) });
  await app.init();
  afterTest(() => app.close());
  return (app.getHttpAdapter() as ExpressAdapter).getInstance() as RequestListener;
}

/** Asks a guard of the library as a guard of Nest. */
class Guard implements CanActivate {
  constructor(
    readonly plan: Plan,
    readonly guard: RequestHandler,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const http = context.switchToHttp();
    const [req, res] = [http.getRequest<Request>(), http.getResponse<Response>()];
    if (!isGuarded(this.plan, req.path)) return true;
    return new Promise((resolve, reject) => {
      res.once('close', () => resolve(false));
      this.guard(req, res, (error) => (error ? reject(error) : resolve(true)));
    });
  }
}

function answerError(error: Error, host: ArgumentsHost, { onError }: Plan): void {
  const res = host.switchToHttp().getResponse<Response>();
  if (res.headersSent) return; // a guard has answered
  const ofNest = error instanceof HttpException ? error.getStatus() : 500;
  const { status, body } = onError?.(error) ?? { status: ofNest, body: {} };
  res.status(status).json(body);
}

function moduleOf(parts: Recorder, plan: Plan, slow: Waiting[]): new () => object {
  class Orders {
    throws(): never {
      throw new Error('handler');
    }
    events(_req: Request, res: Response): void {
      eventStream(undefined, res);
    }
    slow(_req: Request, res: Response): void {
      waitingIn(slow, parts)(undefined, res);
    }
    none(_req: Request, res: Response): void {
      res.status(204).end();
    }
    unread(_req: Request, res: Response): void {
      res.json({ ok: true });
    }
    async all(req: Request, res: Response): Promise<void> {
      if (plan.forward) return plan.forward(req, res);
      parts.calls.push(await callOf(req));
      res.json({ ok: true });
    }
  }
  route(Orders, 'throws', Get('throws'));
  route(Orders, 'events', Get('events'));
  route(Orders, 'slow', Get('slow'));
  route(Orders, 'none', Get('none'));
  route(Orders, 'unread', applyDecorators(Post('unread'), HttpCode(200)));
  route(Orders, 'all', All(['open', '{*path}']));
  Controller()(Orders);
  class Api {}
  Module({ controllers: [Orders] })(Api);
  return Api;
}

function route(controller: { readonly prototype: object }, name: string, decorate: MethodDecorator): void {
  const { prototype } = controller;
  Req()(prototype, name, 0);
  Res()(prototype, name, 1);
  decorate(prototype, name, Object.getOwnPropertyDescriptor(prototype, name)!);
}
