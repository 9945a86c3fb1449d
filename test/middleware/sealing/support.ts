import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type Agent, ANSWER_TYPE } from '@private.me/xlink';
import express from 'express';
import { openedAnswer } from '../../support/answers.js';
import { onTheWire, type Sent, sealedRequest, signedRequest, withKey } from '../../support/requests.js';
import { restOf } from '../../support/responses.js';
import { recorder, type Service, start } from '../../support/service.js';
import { openSocket } from '../../support/wire.js';
import { World, type WorldWithCaller } from '../../support/world.js';

// An API whose handlers are Node's own, and callers that write to the connection themselves.

export type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

export interface Sealing extends Service {
  readonly api: Agent;
  /** A request by envelope that asks for a sealed answer, as bytes, and what opens that answer. */
  ask(path: string, sent?: Sent): Promise<Asked>;
}

export interface Asked {
  readonly bytes: Buffer;
  /** The same, without an end of the connection or anything else that Node adds. */
  readonly sent: Sent;
  open(answer: Uint8Array): ReturnType<typeof openedAnswer>;
}

/** Serves handlers by path behind an adapter. */
export async function serveSealing(
  routes: Readonly<Record<string, Handler>>,
  known?: WorldWithCaller,
): Promise<Sealing> {
  const { api, caller } = known ?? (await World.withCaller());
  const parts = recorder(api);
  const app = express();
  app.disable('x-powered-by');
  app.use(parts.adapter.middleware());
  app.use((req, res) => void routes[req.path]!(req, res));
  const service = await start(parts, app);
  return Object.assign(service, {
    api,
    async ask(path: string, sent: Sent = {}): Promise<Asked> {
      const headers = { accept: ANSWER_TYPE, ...sent.headers };
      const form = sent.body === undefined ? signedRequest : sealedRequest;
      const made = await form({ api, caller }, { ...sent, path, headers });
      const { nonce, request } = envelopeIn(made);
      return {
        sent: made,
        bytes: onTheWire(made),
        open: (answer) =>
          openedAnswer(caller, answer, { inReplyTo: nonce, request, requireRequestBinding: true }),
      };
    },
  });
}

function envelopeIn({ headers = {}, body }: Sent): { nonce: string; request: string } {
  const { authorization } = headers;
  const inHeader = authorization && Buffer.from(String(authorization).slice(6), 'base64url').toString();
  return JSON.parse(inHeader || String(body));
}

/** What a caller with a key sends. */
export const byKey = (path: string, headers: Sent['headers'] = {}): Buffer =>
  onTheWire(withKey({ path, headers }));

/** The last request on a connection: it is closed behind the answer. */
export const last = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString('latin1').replace('\r\n', '\r\nconnection: close\r\n'), 'latin1');

/** Writes to a new connection, and resolves to all that came until it was closed. */
export async function exchangeBytes(port: number, ...requests: readonly Uint8Array[]): Promise<Buffer> {
  const socket = await openSocket(port);
  for (const request of requests) socket.write(request);
  return restOf(socket as never);
}

export const textOf = (req: IncomingMessage): Promise<string> => restOf(req).then(String);

/** Server connections, as they stand. */
export const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n))));
