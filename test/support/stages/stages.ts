import type { RequestListener } from 'node:http';
import { describe, test } from '@jest/globals';
import type { DualModeOptions } from '@private.me/xlink';
import Fastify5 from 'fastify';
import Fastify4 from 'fastify4';
import { FRAMEWORKS as EXPRESSES } from '../express.js';
import { KOAS } from '../koa.js';
import { type Recorder, recorder, type Service, start } from '../service.js';
import { apiAgentOf, type World } from '../world.js';
import { expressApi } from './express-stage.js';
import { fastifyApi } from './fastify-stage.js';
import { honoApi } from './hono-stage.js';
import { koaApi } from './koa-stage.js';
import { nestApi } from './nest-stage.js';
import type { Plan, Waiting } from './plan.js';
import { behindGateway } from './serverless-stage.js';

export type { Forward, Meddle, Plan } from './plan.js';

/** What some framework cannot have, by what a test needs. */
export type Feature =
  /** Several lines of one header are told apart. */
  | 'header lines'
  /** Handlers get the lines of headers as Node has them. */
  | 'raw headers'
  /** Targets are looked at as they were sent. */
  | 'targets as sent'
  /** How a body was framed is seen. */
  | 'framing'
  /** Handlers get bodies whose Content-Length says something else. */
  | 'two lengths'
  /** What a client does with its connection is noticed. */
  | 'connections'
  /** Answers are sent piece by piece. */
  | 'streams'
  /** The routes of the library answer below the path of the adapter, too. */
  | 'own routes below a path';

type Lacks = Partial<Record<Feature, string>>;

interface Framework {
  readonly name: string;
  /** With the reason. */
  readonly lacks?: Lacks;
  build(parts: Recorder, plan: Plan, slow: Waiting[]): RequestListener | Promise<RequestListener>;
}

const FRAMEWORKS: Framework[] = [
  ...EXPRESSES.map(
    ({ name, express }): Framework => ({
      name,
      build: (parts, plan, slow) => expressApi(express, parts, plan, slow),
    }),
  ),
  ...KOAS.map(
    ({ name, Koa }): Framework => ({ name, build: (parts, plan, slow) => koaApi(Koa, parts, plan, slow) }),
  ),
  ...[
    { name: 'Fastify 5', make: Fastify5 },
    { name: 'Fastify 4', make: Fastify4 as unknown as typeof Fastify5 },
  ].map(
    ({ name, make }): Framework => ({
      name,
      lacks: {
        'two lengths': 'its parser refuses them',
        'own routes below a path': 'it runs no hooks of an instance where that has no route',
      },
      build: (parts, plan, slow) => fastifyApi(make, parts, plan, slow),
    }),
  ),
  {
    name: 'Hono',
    lacks: {
      'raw headers': 'requests of the Fetch standard have none',
      'targets as sent': 'URLs of the Fetch standard are normalized, for its router as for the adapter',
    },
    build: honoApi,
  },
  { name: 'NestJS', lacks: { 'two lengths': 'its parser refuses them' }, build: nestApi },
  {
    name: 'Express under serverless-http',
    lacks: {
      'header lines': 'a gateway joins them',
      'raw headers': 'a gateway hands over no lines',
      'targets as sent': 'a gateway takes them apart',
      framing: 'a gateway reads bodies itself',
      connections: 'a gateway keeps them to itself',
      streams: 'a gateway is handed whole answers',
    },
    build: (parts, plan, slow) => behindGateway(expressApi(EXPRESSES[0]!.express, parts, plan, slow)),
  },
];

/** An API under test, and what waits in its `/slow`. */
export interface StagedService extends Service {
  readonly slow: Waiting[];
}

export interface Stage {
  readonly name: string;
  readonly lacks: Lacks;
  /** The API of a plan, that of the agent `api` unless said otherwise. */
  serve(world: World, options?: Partial<DualModeOptions>, plan?: Plan): Promise<StagedService>;
}

/** For `describe.each`: the same API with each framework there is. */
export const STAGES: readonly Stage[] = FRAMEWORKS.map(({ name, lacks = {}, build }) => ({
  name,
  lacks,
  async serve(world, options = {}, plan = {}) {
    const parts = recorder(options.agent ?? (await apiAgentOf(world)), options);
    const slow: Waiting[] = [];
    return { ...(await start(parts, await build(parts, plan, slow))), slow };
  },
}));

/** For rows of tests that need what a framework may lack. */
export const isFor =
  ({ lacks }: Stage) =>
  ({ needs }: { readonly needs?: Feature }): boolean =>
    needs === undefined || lacks[needs] === undefined;

/** For tests that need what a framework may lack: there they are not defined, for the reason that its row names. */
export const having = ({ lacks }: Stage, ...needed: Feature[]) =>
  needed.every((feature) => lacks[feature] === undefined)
    ? { test, describe }
    : { test: undefinedTest, describe: undefinedTest as unknown as typeof describe };

const undefinedTest = Object.assign(() => {}, { each: () => () => {} }) as unknown as typeof test;
