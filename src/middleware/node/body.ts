import { concat } from '../../crypto/bytes.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { Pass } from '../../http/decision.js';
import type { Awaitable } from '../../util/awaitable.js';
import { decodeUtf8, encodeUtf8 } from '../../util/utf8.js';
import { tapOf, timeLeftFor } from './body-tap.js';
import { changeHeaders } from './fields.js';
import type { BodyHolder, NodeRequest } from './types.js';

/**
 * The whole body of a request, at most `maxBytes`. It is put back where it came from before other code can notice, so
 * parsers and handlers behind read the same bytes from the same stream. Takes a Buffer or string that a parser in front
 * left in `rawBody` or `body`; if it left neither, fails at once. `checkStart` is given the first bytes before more are
 * read, and throws what the body is refused with. Nonces are kept long enough for bodies that take `withinMs` and no longer.
 */
export function readNodeBody(
  req: NodeRequest,
  bodies: readonly BodyHolder[],
  maxBytes: number,
  checkStart: CheckStart = () => {},
  withinMs = timeLeftFor(req),
): Awaitable<Uint8Array> {
  const left = leftByParser(bodies);
  if (left) {
    if (left.length > maxBytes) throw xlinkError('BODY_TOO_LARGE');
    checkStart(left);
    return left;
  }
  if (req.readableEnded) throw xlinkError('BODY_CONSUMED');
  if (req.destroyed) throw xlinkError('BODY_ABORTED');
  const announced = Number(req.headers['content-length']);
  if (announced > maxBytes) throw xlinkError('BODY_TOO_LARGE');
  if (!(announced < SMALL_BYTES) || req.stream) return drain(req, maxBytes, checkStart, withinMs);
  if (req.complete) return readAtOnce(req, maxBytes, checkStart);
  return heldForATurn(req).then((release) => {
    release();
    if (req.destroyed) throw xlinkError('BODY_ABORTED');
    if (req.complete) return readAtOnce(req, maxBytes, checkStart);
    return drain(req, maxBytes, checkStart, withinMs, true);
  });
}

/**
 * Whether the body is small and may still come within this turn, behind the head: who waits {@link heldForATurn} reads it at once then.
 */
export function comesWithHead({ complete, destroyed, stream, headers }: NodeRequest): boolean {
  const announced = Number(headers['content-length']);
  return complete === false && !destroyed && !stream && announced > 0 && announced < SMALL_BYTES;
}

/** A body that comes in one piece with its head, mostly: Node reads it behind the head, within this turn. */
const SMALL_BYTES = 16_384;

/** While something listens for `readable`, nobody else gets to the body, those included who listen for `data`: until it is released. */
export function heldForATurn(req: NodeRequest): Promise<() => void> {
  req.on('readable', hold);
  const release = () => void req.removeListener('readable', hold);
  return new Promise((resolve) => {
    waiting.push(() => resolve(release));
    setImmediate(nextTurn); // each for itself: where timers are faked one may never come
  });
}

/** Requests whose turn is next. All of them go on with the first, so that what one runs through is still in the caches for the next. */
let waiting: (() => void)[] = [];

function nextTurn(): void {
  const all = waiting;
  waiting = [];
  for (const goOn of all) goOn();
}

const hold = () => {};

type CheckStart = (start: Uint8Array) => void;

/** The bytes that a parser in front left, if it did. */
export function leftByParser(bodies: readonly BodyHolder[]): Uint8Array | undefined {
  for (let at = 0; at < bodies.length; at++) {
    const { rawBody, body } = bodies[at]!;
    const left = bytesOf(rawBody) ?? bytesOf(body);
    if (left) return left;
  }
  return undefined;
}

function bytesOf(left: unknown): Uint8Array | undefined {
  if (typeof left === 'string') return encodeUtf8(left);
  return left instanceof Uint8Array ? left : undefined;
}

/**
 * Node emits `end` one tick after the last byte was read, unless there is data again by then: so everything that was
 * read is unshifted in the same tick in which the message turns out to be complete.
 */
function drain(
  req: NodeRequest,
  maxBytes: number,
  checkStart: CheckStart,
  withinMs: number,
  wasHeld = false,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const timer = setTimeout(() => settle(xlinkError('BODY_TOO_SLOW')), withinMs);
    const settle = (error?: unknown) => {
      clearTimeout(timer);
      req.removeListener('readable', onReadable);
      req.removeListener('end', onEnd);
      req.removeListener('close', onGone);
      req.removeListener('error', onGone);
      const bytes = concat(chunks);
      if (bytes.length === 0) announceNoBody(req);
      else if (!req.destroyed) req.unshift(bytes);
      if (error) reject(error);
      else resolve(bytes);
    };
    const onGone = () => settle(xlinkError('BODY_ABORTED'));
    const onEnd = () => settle();
    const onReadable = () => {
      for (let chunk = req.read(); chunk !== null; chunk = req.read()) {
        chunks.push(chunk as Uint8Array);
        size += (chunk as Uint8Array).length;
        if (size > maxBytes) return settle(xlinkError('BODY_TOO_LARGE'));
        if (chunks.length > 1) continue;
        try {
          checkStart(chunk as Uint8Array);
        } catch (error) {
          return settle(error);
        }
      }
      if (isComplete(req)) settle();
    };
    req.on('readable', onReadable);
    req.on('end', onEnd);
    req.on('close', onGone);
    req.on('error', onGone);
    if (wasHeld) onReadable(); // what came in that turn is told to nobody again
  });
}

/** A message of HTTP/1 that is all there. */
function readAtOnce(req: NodeRequest, maxBytes: number, checkStart: CheckStart): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let chunk = req.read(); chunk !== null; chunk = req.read()) chunks.push(chunk as Uint8Array);
  const bytes = chunks.length === 1 ? chunks[0]! : concat(chunks);
  if (bytes.length === 0) announceNoBody(req);
  else req.unshift(bytes);
  if (bytes.length > maxBytes) throw xlinkError('BODY_TOO_LARGE');
  if (bytes.length > 0) checkStart(bytes);
  return bytes;
}

/** Nothing more will come. A request that is injected, as tests and serverless wrappers do, is no message of HTTP, only a stream. */
const isComplete = ({ complete, stream, _readableState }: NodeRequest): boolean =>
  complete || stream?.readableEnded === true || _readableState?.ended === true;

/** A stream of no bytes has ended by the time that is known: parsers behind must not wait for its end. */
function announceNoBody(req: NodeRequest): void {
  changeHeaders(req, NO_BODY);
}

const NO_BODY = new Map([
  ['transfer-encoding', undefined],
  ['content-length', undefined],
]);

/** Puts the content of an opened envelope in the place of the envelope. */
export function replaceNodeBody(
  req: NodeRequest,
  { bytes: content }: Pick<NonNullable<Pass['content']>, 'bytes'>,
): void {
  if (req.readableEnded || req.destroyed) return;
  while (req.read() !== null);
  req.unshift(content);
}

/**
 * The same for what parsers in front left, and for handlers that ask no parser. `parsersSkip`: parsers behind do nothing where there
 * is a body already, so what is no JSON is left to them.
 */
export function replaceLeftBodies(
  bodies: readonly BodyHolder[],
  content: Uint8Array,
  payload: unknown,
  parsersSkip = false,
): void {
  for (const [at, holder] of bodies.entries()) {
    const isShown = at === 0 && !(parsersSkip && payload instanceof Uint8Array);
    if (isShown || holder.body !== undefined) holder.body = payload;
    if (holder.rawBody !== undefined)
      holder.rawBody = typeof holder.rawBody === 'string' ? decodeUtf8(content) : content;
  }
}

/**
 * Lets a client that is still sending finish, so that it gets to read the refusal; one that goes on beyond
 * `maxBytes` is cut off.
 */
export function discardNodeBody(req: NodeRequest, maxBytes: number): void {
  tapOf(req)?.restore();
  if (req.complete || req.destroyed) return;
  let discarded = 0;
  req.on('data', (chunk: Uint8Array) => {
    discarded += chunk.length;
    if (discarded > maxBytes) req.destroy();
  });
  req.resume?.(); // who read the first bytes may have paused it
}
