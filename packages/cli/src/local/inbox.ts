import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Agent, AgentMessage, XlinkError } from '@private.me/xlink';
import { type HttpsTransportAdapter, Invites } from '@private.me/xlink';
import type { Config, Folder } from './folder.js';
import { FolderStore } from './invite-store.js';

/** Larger requests are cut off, in bytes. */
const MAX_BYTES = 2 * 2 ** 20;

export const invitesOf = (folder: Folder, agent: Agent, { url, name }: Config): Invites =>
  new Invites({ agent, url, name, store: new FolderStore(folder.file('invites')) });

export interface InboxOptions {
  readonly config: Config;
  readonly transport: HttpsTransportAdapter;
  readonly invites: Invites;
  /** Where to listen: port, and address. */
  readonly port: number;
  readonly host: string;
}

/** Listens for messages and acceptances at the address of an identity. */
export async function openInbox({ config, transport, invites, port, host }: InboxOptions): Promise<Server> {
  const base = new URL(config.url);
  const server = createServer((req, res) => {
    void answerTo(req)
      .then((answer) => send(res, answer))
      .then(() => void req.resume()) // what was not read would be in the way of the next request
      .catch(() => res.destroy());
  });
  async function answerTo(req: IncomingMessage): Promise<Response> {
    const target = new URL(req.url ?? '/', base.origin);
    const isInvite = target.pathname === `${base.pathname.replace(/\/$/, '')}/invite`;
    if (!isInvite && target.pathname !== base.pathname) return new Response(null, { status: 404 });
    const method = req.method ?? 'GET';
    const body = await bodyOf(req);
    if (!body) return new Response(null, { status: 413, headers: { Connection: 'close' } });
    const headers = new Headers();
    for (const [name, value] of Object.entries(req.headers)) headers.set(name, String(value));
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const request = new Request(target, {
      method,
      headers,
      ...(hasBody ? { body: new Uint8Array(body) } : {}),
    });
    return isInvite ? invites.handle(request) : transport.handle(request);
  }
  server.requestTimeout = 30_000;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

/** `undefined` if it is too large. */
async function bodyOf(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function send(res: ServerResponse, answer: Response): Promise<void> {
  res.writeHead(answer.status, Object.fromEntries(answer.headers));
  res.end(Buffer.from(await answer.arrayBuffer()));
}

/** Where a URL is served on this machine: its port, and all addresses unless it names this machine. */
export function placeOf(url: string): { readonly port: number; readonly host: string } {
  const { hostname, port, protocol } = new URL(url);
  const isHere = /^(localhost|127\.|\[::1\])/.test(hostname);
  return { port: Number(port) || (protocol === 'https:' ? 443 : 80), host: isHere ? '127.0.0.1' : '0.0.0.0' };
}

/** What is printed of a message. */
export const messageOf = ({
  sender,
  scope,
  payload,
  envelopeId,
  timestamp,
  encrypted,
  version,
}: AgentMessage) => ({
  status: 'received',
  sender,
  scope,
  payload,
  envelope_id: envelopeId,
  sent_at: new Date(timestamp).toISOString(),
  encrypted,
  version,
});

export const refusalOf = (error: XlinkError): string => `refused a message: ${error.id}: ${error.message}`;
