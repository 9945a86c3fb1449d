import { createRequire } from 'node:module';
import type Koa from 'koa';
import { restOf, type Service } from '../../support/http.js';
import type { KoaSetup } from '../../support/koa.js';
import { World, type WorldWithCaller } from '../../support/world.js';

const require = createRequire(import.meta.url);

/** A parser that leaves nothing but what it made of the body, as koa-body does. */
export const tidyParser: Koa.Middleware = async (ctx, next) => {
  const text = (await restOf(ctx.req)).toString();
  Object.assign(ctx.request, { body: text === '' ? {} : JSON.parse(text) });
  await next();
};

/** Parsers that leave the text in `rawBody` besides. */
export const PARSERS: [string, () => Koa.Middleware][] = [
  ['koa-bodyparser', require('koa-bodyparser')],
  ['@koa/bodyparser', require('@koa/bodyparser').default],
];

/** A caller, and a service that knows it. */
export async function serveKnown(
  setup: Partial<KoaSetup>,
): Promise<{ readonly known: WorldWithCaller; readonly service: Service }> {
  const known = await World.withCaller();
  return { known, service: await known.serveKoa(setup) };
}

/** Requests that were counted, as `outcome reason status route`. */
export const counted = ({ events }: Service): string[] =>
  events.flatMap((event) =>
    event.type === 'request' ? [`${event.outcome} ${event.reason} ${event.status} ${event.route}`] : [],
  );
