import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/errors.js';
import { BodyIntake, defaultUnauthenticatedBytes, type IncomingBody } from '../http/body-intake.js';
import { PROBLEM_TYPE } from '../http/media-type.js';
import { problemBody } from '../http/problem.js';
import { incomingBody } from '../middleware/node/request.js';
import type { NodeRequest } from '../middleware/node/types.js';
import { RECEIVE_REQUEST } from '../transport/relay-protocol.js';
import type { Did } from '../types/protocol.js';
import { unref } from '../util/backoff.js';
import { callerAddress } from '../util/caller-address.js';
import { onAbort } from '../util/on-abort.js';
import { type Admits, registered } from './admission.js';
import { checkRelayOptions, type RelayOptions } from './options.js';
import { Outlet, pullOf } from './receive.js';
import { Intake } from './send.js';
import { Sockets } from './web-socket.js';

/** A relay that is running. It listens to nothing itself: give its parts to a server. */
export interface Relay {
  /** The relay's DID, that of its `identity`. */
  readonly did: Did;
  /** Whether it takes WebSockets: the package `ws` is installed. */
  readonly hasWebSocket: boolean;
  /** For `http.createServer(relay.handler)`, or `app.use(relay.handler)`. Paths that are not its own go to `next`. */
  readonly handler: (req: IncomingMessage, res: ServerResponse, next?: () => void) => void;
  /** For `server.on('upgrade', relay.upgrade)`. */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Ends what waits, and closes the store. Close the server as well. */
  close(): Promise<void>;
}

/** A proof carries a pull with up to 100 ids. */
const MAX_PROOF_BYTES = 64 * 1024;
const SWEEP_EVERY_MS = 60_000;
const ROUTE = /\/relay(?:\/(send|receive|socket))?\/?(?:\?.*)?$/;

/**
 * Keeps envelopes until their recipients fetch them, so that neither side has to be reachable or up. It reads no payload
 * and cannot make or change an envelope; it can withhold and delay. Put TLS in front of it.
 *
 * | Route | Who | Does |
 * |---|---|---|
 * | `GET /relay` | anyone | `{ did }` of the relay |
 * | `POST /relay/send` | the sender in the envelope | 202 once the envelope is durable |
 * | `POST /relay/receive` | the recipient, proven by signature | acknowledges, and answers with what waits |
 * | `GET /relay/socket` | the same | that over a WebSocket |
 *
 * Throws `INVALID_OPTION`.
 */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  checkRelayOptions(options);
  const { identity, store, onFault } = options;
  const admits = admitsOf(options);
  const intake = new Intake(options, admits);
  const outlet = new Outlet(options, admits);
  const { maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES, addressOf } = options;
  const told = (error: XlinkError) => {
    if (error.status >= 500) tell(onFault, error);
  };
  const bodies = new BodyIntake<RelayBody>(
    options.maxUnauthenticatedBytes ?? defaultUnauthenticatedBytes(maxEnvelopeBytes),
    ({ req, remoteAddress }) =>
      callerAddress(addressOf, req, { peer: remoteAddress, onError: (thrown) => told(toXlinkError(thrown)) }),
  );
  const closed = new AbortController();
  const sockets = await Sockets.create(outlet, closed.signal, told);
  let sweeping: Promise<void> = Promise.resolve();
  const sweeper = setInterval(() => {
    const sweep = async () => store.sweep();
    sweeping = sweep().catch((cause) => told(xlinkError('RELAY_UNAVAILABLE', { cause })));
  }, SWEEP_EVERY_MS);
  unref(sweeper);

  return {
    did: identity.did,
    hasWebSocket: sockets !== undefined,
    handler(req, res, next) {
      const route = routeOf(req);
      if (route === undefined && next) return next();
      answer(route, req, closed.signal).then(
        ({ status, text }) => write(res, status, text),
        (thrown) => {
          const error = toXlinkError(thrown);
          told(error);
          write(res, error.status, problemBody(error, { authMethod: 'xlink' }), PROBLEM_TYPE);
        },
      );
    },
    upgrade(req, socket, head) {
      socket.on('error', () => socket.destroy());
      if (sockets && routeOf(req) === 'socket') sockets.accept(req, socket, head);
      else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    },
    async close() {
      clearInterval(sweeper);
      closed.abort();
      await sweeping;
      await store.close();
    },
  };

  /** Held until it is known who sent it, which is what `use` finds out. */
  async function withBody<T>(
    req: IncomingMessage,
    maxBytes: number,
    use: (bytes: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const body = { ...incomingBody(req as unknown as NodeRequest), req };
    try {
      return await use(await bodies.read(body, maxBytes));
    } finally {
      bodies.release(body);
    }
  }

  async function answer(
    route: Route | undefined,
    req: IncomingMessage,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    if (signal.aborted) throw xlinkError('RELAY_UNAVAILABLE');
    if (route === undefined) return { status: 404, text: '{}' };
    const method = route === 'send' || route === 'receive' ? 'POST' : 'GET';
    if (req.method !== method) return { status: 405, text: '{}' };
    if (route === 'did') return { status: 200, text: JSON.stringify({ did: identity.did }) };
    if (route === 'socket') return { status: 426, text: '{}' };
    if (route === 'send') {
      await withBody(req, maxEnvelopeBytes, (bytes) => intake.take(bytes));
      return { status: 202, text: '{}' };
    }
    const { did, payload } = await withBody(req, MAX_PROOF_BYTES, (bytes) =>
      outlet.authenticate(bytes, RECEIVE_REQUEST),
    );
    const leave = outlet.enter(did);
    const ended = new AbortController();
    const end = () => ended.abort();
    const unlink = onAbort(signal, end);
    req.socket.once('close', end);
    try {
      return { status: 200, text: await outlet.answer(did, pullOf(payload), ended.signal) };
    } finally {
      leave();
      unlink();
      req.socket.off('close', end);
    }
  }
}

/** A body, and the request that it comes with. */
type RelayBody = IncomingBody & { readonly req: IncomingMessage };

type Route = 'did' | 'send' | 'receive' | 'socket';

function routeOf({ url }: IncomingMessage): Route | undefined {
  const match = ROUTE.exec(url ?? '');
  return match ? ((match[1] ?? 'did') as Route) : undefined;
}

function admitsOf({ registry, admits }: RelayOptions): Admits {
  const rules = [...(registry ? [registered(registry)] : []), ...(admits ? [admits] : [])];
  return async (did) => {
    for (const rule of rules) if ((await rule(did)) !== true) return false;
    return true;
  };
}

function write(res: ServerResponse, status: number, text: string, type = 'application/json'): void {
  if (res.destroyed || res.headersSent) return;
  const rejectsBody = status === 413; // what is still on its way is not read
  res.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    ...(rejectsBody ? { Connection: 'close' } : {}),
  });
  res.end(text);
}

function tell(onFault: RelayOptions['onFault'], error: XlinkError): void {
  try {
    onFault?.(error);
  } catch {
    // the answer goes out whatever the operator's function does
  }
}
