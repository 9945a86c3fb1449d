import type { ServerOptions } from 'node:http';
import { type AgentMessage, authOf, type DualModeAdapter, type DualModeOptions } from '@private.me/xlink';
import express5, { type Application, type Request, type RequestHandler } from 'express';
import express4 from 'express4';
import { restOf } from './responses.js';
import { type Call, recorder, type Service, start } from './service.js';

// An API with Express.

export type Express = typeof express5;

/** For `describe.each`: the same tests over both. */
export const FRAMEWORKS: { readonly name: string; readonly express: Express }[] = [
  { name: 'Express 5', express: express5 },
  { name: 'Express 4', express: express4 as unknown as Express },
];

export interface Mounted {
  readonly app: Application;
  readonly express: Express;
  readonly adapter: DualModeAdapter;
  readonly handler: RequestHandler;
}

export interface ExpressSetup extends Partial<DualModeOptions> {
  readonly agent: DualModeOptions['agent'];
  readonly express?: Express;
  /** Puts the application together. Default: the adapter, then the handler for everything. */
  readonly mount?: (parts: Mounted) => void;
  readonly server?: ServerOptions;
}

const plainMount = ({ app, adapter, handler }: Mounted): void => {
  app.use(adapter.middleware());
  app.use(handler);
};

export async function serveExpress({
  agent,
  express = express5,
  mount = plainMount,
  server = {},
  ...options
}: ExpressSetup): Promise<Service> {
  const parts = recorder(agent, options);
  const app = express();
  const handler: RequestHandler = async (req, res) => {
    parts.calls.push(await callOf(req));
    res.json({ ok: true });
  };
  mount({ app, express, adapter: parts.adapter, handler });
  return start(parts, app, server);
}

export async function callOf(req: Request): Promise<Call> {
  const extras = req as Request & { auth?: unknown; agentMessage?: AgentMessage };
  const { method, originalUrl: url, headers, body } = req;
  const { auth, agentMessage: message } = extras;
  return { method, url, headers, body, stream: await restOf(req), auth, authOf: authOf(req), message };
}
