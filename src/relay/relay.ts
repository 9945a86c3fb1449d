import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import { BodyIntake, defaultUnauthenticatedBytes, type IncomingBody } from '../http/body-intake.js';
import { PROBLEM_TYPE } from '../http/media-type.js';
import { problemBody } from '../http/problem.js';
import { asksForReceipt, RECEIPT_HEADER } from '../http/receipt-header.js';
import { discardNodeBody } from '../middleware/node/body.js';
import { incomingBody } from '../middleware/node/request.js';
import { MAX_DISCARDED_BYTES } from '../middleware/node/response.js';
import type { NodeRequest } from '../middleware/node/types.js';
import type { ChangeListener, ManagedTrustRegistry } from '../registry/managed.js';
import { RECEIVE_REQUEST } from '../transport/relay-protocol.js';
import type { Did } from '../types/protocol.js';
import { addressBlock } from '../util/address-block.js';
import { unref } from '../util/backoff.js';
import { callerAddress } from '../util/caller-address.js';
import { onAbort } from '../util/on-abort.js';
import { tell } from '../util/tell.js';
import { TokenBucket } from '../util/token-bucket.js';
import { admissionOf } from './admission.js';
import { checkRelayOptions, type RelayOptions } from './options.js';
import { type Route, routeOf } from './paths.js';
import { Outlet, pullOf } from './receive.js';
import { Intake } from './send.js';
import { Sockets } from './web-socket.js';

/** A relay that is running. It listens to nothing itself: give its parts to a server. */
export interface Relay {
  /** The relay's DID, that of its `identity`. */
  readonly did: Did;
  /** Whether it takes WebSockets: the package `ws` is installed. */
  readonly hasWebSocket: boolean;
  /**
   * For `http.createServer(relay.handler)`, `app.use(relay.handler)`, or `app.use('/there', relay.handler)` with
   * `path: '/there/relay'`. Paths that are not its own go to `next`.
   */
  readonly handler: (req: IncomingMessage, res: ServerResponse, next?: () => void) => void;
  /** For `server.on('upgrade', relay.upgrade)`. */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Ends what waits, and closes the store. Close the server as well. */
  close(): Promise<void>;
}

/** A proof carries a pull with up to 100 ids. */
const MAX_PROOF_BYTES = 64 * 1024;
const SWEEP_EVERY_MS = 60_000;
const DEFAULT_REQUESTS_PER_ADDRESS = 6000;

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
  const admits = admissionOf(options);
  const intake = new Intake(options, admits);
  const outlet = new Outlet(options, admits);
  const { maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES, addressOf, path, clock = Date.now } = options;
  const told = (error: XlinkError) => {
    if (error.status >= 500) tell(onFault, error);
  };
  const onError = (thrown: unknown) => told(toXlinkError(thrown));
  const addressFor = (req: IncomingMessage) =>
    callerAddress(addressOf, req, { peer: req.socket.remoteAddress, onError });
  const bodies = new BodyIntake<RelayBody>(
    options.maxUnauthenticatedBytes ?? defaultUnauthenticatedBytes(maxEnvelopeBytes),
    ({ req }) => addressFor(req),
  );
  const { requestsPerAddress = DEFAULT_REQUESTS_PER_ADDRESS } = options;
  const pace = new TokenBucket(requestsPerAddress, clock, 100_000);
  /** Throws for an address that has used up its part: its signatures are not even looked at. */
  const counted = (req: IncomingMessage): string => {
    const address = addressBlock(addressFor(req) ?? '');
    if (!pace.take(address)) throw xlinkError('RELAY_UNAVAILABLE:ADDRESS_QUOTA');
    return address;
  };
  const closed = new AbortController();
  const { unprovenSocketsPerAddress = 100 } = options;
  const sockets = await Sockets.create(outlet, closed.signal, told, unprovenSocketsPerAddress);
  const unfollow = follow(options.registry, (did) => void outlet.receivers.changed(did));
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
      const route = routeOf(req, path);
      if (route === undefined && next) return next();
      answer(route, req, closed.signal).then(
        ({ status, text }) => write(req, res, status, text),
        (thrown) => {
          const error = toXlinkError(thrown);
          told(error);
          write(req, res, error.status, problemBody(error, { authMethod: 'xlink' }), PROBLEM_TYPE);
        },
      );
    },
    upgrade(req, socket, head) {
      socket.on('error', () => socket.destroy());
      if (!sockets || routeOf(req, path) !== 'socket') return end(socket, '404 Not Found');
      try {
        if (!sockets.accept(counted(req), req, socket, head)) end(socket, '503 Service Unavailable');
      } catch {
        end(socket, '429 Too Many Requests');
      }
    },
    async close() {
      clearInterval(sweeper);
      unfollow();
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
    counted(req);
    if (route === 'send') {
      const arrivedAt = clock();
      const wantsReceipt = asksForReceipt(String(req.headers[RECEIPT_HEADER]));
      await withBody(req, maxEnvelopeBytes, (bytes) => intake.take(bytes, arrivedAt, wantsReceipt));
      return { status: 202, text: '{}' };
    }
    const { did, payload } = await withBody(req, MAX_PROOF_BYTES, (bytes) =>
      outlet.authenticate(bytes, RECEIVE_REQUEST),
    );
    const { refused, leave } = outlet.receivers.enter(did);
    const ended = new AbortController();
    const end = () => ended.abort();
    const unlink = onAbort(signal, end);
    refused.addEventListener('abort', end);
    req.socket.once('close', end);
    try {
      const text = await outlet.answer(did, pullOf(payload), ended.signal);
      refused.throwIfAborted();
      return { status: 200, text };
    } finally {
      leave();
      unlink();
      req.socket.off('close', end);
    }
  }
}

/** Hears of the changes of a registry that tells of them; returns how to end that. */
const follow = (registry: RelayOptions['registry'], listener: ChangeListener): (() => void) =>
  (registry as Partial<ManagedTrustRegistry> | undefined)?.onChange?.(listener) ?? (() => {});

/** A body, and the request that it comes with. */
type RelayBody = IncomingBody & { readonly req: IncomingMessage };

function write(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  text: string,
  type = 'application/json',
): void {
  if (res.destroyed || res.headersSent) return;
  const rejectsBody = status === 413 || status === 429; // it may be large, or one of many
  res.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    ...(status === 429 ? { 'Retry-After': '1' } : {}),
    ...(rejectsBody ? { Connection: 'close' } : {}),
  });
  res.end(text);
  discardNodeBody(req as unknown as NodeRequest, MAX_DISCARDED_BYTES); // or the next request on the connection waits behind it
}

function end(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
}
