import { inspect } from 'node:util';
import { expect } from '@jest/globals';
import express5, { type Application, type Request, type RequestHandler } from 'express';
import express4 from 'express4';
import { BaseAgent as Agent } from '../../src/agent/agent.js';
import {
  type AgentMessage,
  type AgentOptions,
  authOf,
  type DualModeAdapter,
  type DualModeOptions,
  ERROR_TABLE,
  type ErrorId,
  type Identity,
  type XlinkEvent,
} from '../../src/index.js';
import { identityOf, World } from '../support/agents.js';
import { printed } from '../support/console.js';
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
} from '../support/http.js';

export * from '../support/http.js';

export type Express = typeof express5;

/** For `describe.each`: the same tests over both. */
export const FRAMEWORKS: { readonly name: string; readonly express: Express }[] = [
  { name: 'Express 5', express: express5 },
  { name: 'Express 4', express: express4 as unknown as Express },
];

// Parties

export interface Parties {
  readonly world: World;
  readonly api: Agent;
  readonly caller: Agent;
}

/** An API and a caller it knows, new in every test. */
export async function parties(forApi: AgentOptions = {}, forCaller: AgentOptions = {}): Promise<Parties> {
  const world = new World();
  return {
    world,
    api: await agentOf(world, 'api', forApi),
    caller: await agentOf(world, 'caller', forCaller),
  };
}

const identities = new Map<string, Promise<Identity>>();

/** As `world.agent(name)`, with keys that are generated once per file: they cost more than all else in a test. */
async function agentOf(world: World, name: string, options: AgentOptions): Promise<Agent> {
  const { clock, registry, transport } = world;
  const key = `${name} ${options.maxVersion}`;
  const made = identities.get(key) ?? identityOf(name, options.maxVersion);
  identities.set(key, made);
  const identity = await made;
  const agent = new Agent({ identity, name, clock, registry, transport, ...options });
  const { sendScopes, receiveScopes } = options;
  const registered = await registry.register({
    did: identity.did,
    keys: await agent.keyRecord(),
    ...(sendScopes ? { sendScopes } : {}),
    ...(receiveScopes ? { receiveScopes } : {}),
  });
  expect(registered).toEqual({ ok: true, value: undefined });
  return agent;
}

// The service under test

export interface Mounted {
  readonly app: Application;
  readonly express: Express;
  readonly adapter: DualModeAdapter;
  readonly handler: RequestHandler;
}

export interface Setup {
  readonly express?: Express;
  readonly api: Agent;
  readonly options?: Partial<DualModeOptions>;
  /** Puts the application together. Default: the adapter, then the handler for everything. */
  readonly mount?: (parts: Mounted) => void;
  readonly maxHeaderSize?: number;
}

const plainMount = ({ app, adapter, handler }: Mounted): void => {
  app.use(adapter.middleware());
  app.use(handler);
};

/** An application on a free port, closed after the test. By default in hybrid mode; `KEY` is the one good key. */
export async function serve({
  express = express5,
  api,
  options,
  mount = plainMount,
  maxHeaderSize,
}: Setup): Promise<Service> {
  const service = recorder(api, options);
  const app = express();
  const handler: RequestHandler = async (req, res) => {
    service.calls.push(await callOf(req));
    res.json({ ok: true });
  };
  mount({ app, express, adapter: service.adapter, handler });
  return start(service, app, maxHeaderSize === undefined ? {} : { maxHeaderSize });
}

async function callOf(req: Request): Promise<Call> {
  const extras = req as Request & { auth?: unknown; agentMessage?: AgentMessage };
  const { method, originalUrl: url, headers, body } = req;
  const { auth, agentMessage: message } = extras;
  return { method, url, headers, body, stream: await restOf(req), auth, authOf: authOf(req), message };
}

/** The JSON text that a handler got, whichever way its application gives it bodies. */
export function jsonTextOf({ body, stream }: Call): string {
  if (stream.length > 0) return stream.toString();
  return Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body);
}

// Refusals

/** Sends, and holds the answer against everything that is true of every refusal. */
export async function expectRefused(service: Service, sent: Sent, expected: RefusalText): Promise<Answer> {
  const before = service.calls.length;
  const answer = await service.send(sent);
  await expectRefusal(service, answer, expected, { calls: before, head: sent.method === 'HEAD' });
  return answer;
}

export async function expectRefusal(
  service: Service,
  answer: Answer,
  expected: RefusalText,
  { calls = 0, head = false } = {},
): Promise<void> {
  const [status, id] = expected.split(' ') as [string, ErrorId];
  await service.quiet();
  expect(`${answer.status} ${head ? id : idOf(answer)}`).toBe(expected);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['cache-control']).toBe('no-store');
  if (head) expect(answer.text).toBe('');
  else {
    const { code, subCode, ...rest } = problemOf(answer);
    expect([code, subCode]).toEqual(id.includes(':') ? id.split(':') : [id, undefined]);
    expect(rest).toMatchObject({
      type: `https://xail.io/docs/packages/xlink/errors#${id}`,
      title: ERROR_TABLE[id].message,
      status: Number(status),
    });
  }
  expect(service.calls).toHaveLength(calls);
  expectNoSecrets(service, JSON.stringify(answer));
}

/** Nothing that was sent is in what came back, in what observers were told, or in what was printed. */
export function expectNoSecrets(service: Service, ...texts: string[]): void {
  const seen = [...texts, ...service.events.map(eventText), ...printed].join('\n');
  for (const secret of service.secrets)
    expect(seen.includes(secret) ? `leaked: ${secret}` : 'nothing').toBe('nothing');
}

/** All of an event but the cause of a fault, which is for the server alone. */
function eventText(event: XlinkEvent): string {
  if (event.type !== 'fault') return inspect(event, { depth: 8 });
  const { error } = event;
  return [error.message, error.hint, error.field, error.stack, JSON.stringify(error)].join('\n');
}
