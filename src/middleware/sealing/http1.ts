import { EMPTY } from '../../crypto/bytes.js';
import type { Header } from '../../envelope/plaintext.js';
import type { AnswerHead, AnswerSealer } from '../../http/answer-head.js';
import { passingMemory } from '../../util/passing-memory.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { makeRoom } from '../node/listener-room.js';
import { bytesOf, callbackIn } from './arguments.js';
import { PlainHttp1 } from './plain-http1.js';
import { SealedOutput, type Written } from './sealed-output.js';
import { writeAll } from './write-all.js';

/** Bytes of an answer that are written in one piece: copying them costs less than a list of pieces. */
const ONE_PIECE = 16_384;

type Write = (...args: unknown[]) => boolean;

/** The parts of Node's `net.Socket` that are used. */
export interface NodeSocket {
  write: Write;
  readonly writableLength: number;
  readonly destroyed: boolean;
  emit(event: string): unknown;
  once(event: string, listener: () => void): unknown;
  prependListener(event: string, listener: () => void): unknown;
  destroy(...args: unknown[]): unknown;
  cork(): void;
  uncork(): void;
}

/** The parts of Node's `ServerResponse` that are used. */
export interface Http1Response {
  /** The connection while it is this response's turn to write. */
  readonly socket: NodeSocket | null | undefined;
  shouldKeepAlive: boolean;
  once(event: string, listener: () => void): unknown;
}

export interface Http1Connection {
  readonly socket: NodeSocket;
  /** Whether who is at the other end speaks HTTP/1.1, and not HTTP/1.0. */
  readonly takesChunks: boolean;
}

/** What is sent in the place of an answer that cannot be sealed. */
export type FailureAnswer = (error: unknown) => { readonly head: AnswerHead; readonly body: string };

/**
 * Seals what a response writes to its connection. The response itself stays as it is: whoever hooks into it, in front or
 * behind, whatever it throws, emits and calls back is Node's own. What is sealed is what a caller with a key would have got.
 */
export function sealHttp1(
  res: Http1Response,
  { socket, takesChunks }: Http1Connection,
  sealer: AnswerSealer,
  failure: FailureAnswer,
): void {
  const { turns, write } = tapped(socket);
  if (!takesChunks) res.shouldKeepAlive = false; // the answer ends with the connection
  const pass: Write = (...args) => write.apply(socket, args);
  const passAll = (parts: readonly Uint8Array[], written: Written): boolean =>
    writeAll(socket, pass, parts, written);
  let isCounted = false; // the head says how long the answer is
  const output: SealedOutput = new SealedOutput(sealer, {
    takesTrailers: takesChunks,
    begin(head, parts, isFinal, { written, trailers }) {
      if (isFinal && !trailers) return passAll(whole(head, parts), written);
      isCounted = head.headers.some(([name]) => name.toLowerCase() === 'content-length');
      if (isCounted || !takesChunks) return passAll([headBytes(head), ...parts], written);
      const begun = [headBytes(head, [['Transfer-Encoding', 'chunked']]), ...chunk(parts)];
      return passAll([...begun, ...(isFinal ? [lastChunk(trailers)] : [])], written);
    },
    write(parts, isFinal, { written, trailers }) {
      if (isCounted || !takesChunks) return passAll(parts, written);
      return passAll([...chunk(parts), ...(isFinal ? [lastChunk(trailers)] : [])], written);
    },
    drained: () => socket.emit('drain'),
    fail(error, hasBegun, written) {
      if (hasBegun) return void socket.destroy();
      const { head, body } = failure(error);
      passAll(whole(head, [encodeUtf8(body)]), written);
    },
  });
  const plain = new PlainHttp1({
    interim: (bytes) => pass(bytes),
    head: (head) => output.head(head),
    body: (bytes) => output.write(bytes),
    end: () => output.end(),
    trailers: () => output.fail(new TypeError('a sealed answer has no trailers')),
  });

  const turn: Turn = {
    isOn: () => res.socket === socket,
    drained: () => output.drained(),
    size: () => output.size,
    whenSent: (then: () => void) => output.whenSent(then),
    write(args: readonly unknown[]): boolean {
      const bytes = bytesOf(args);
      const callback = callbackIn(args);
      plain.push(bytes);
      if (callback && !output.flush(callback)) return pass(EMPTY, callback);
      return output.hasRoom;
    },
  };
  turns.add(turn);
  makeRoom(res);
  res.once('prefinish', () => plain.close());
  res.once('close', () => {
    output.abandon();
    turns.delete(turn);
  });
}

interface Turn {
  isOn(): boolean;
  drained(): void;
  size(): number;
  whenSent(then: () => void): boolean;
  write(args: readonly unknown[]): boolean;
}

const taps = new WeakMap<NodeSocket, { readonly turns: Set<Turn>; readonly write: Write }>();

/** A connection is tapped once; what goes over it is sealed while it is the turn of a response that is to be sealed. */
function tapped(socket: NodeSocket) {
  const known = taps.get(socket);
  if (known) return known;
  const { write, destroy } = socket;
  const turns = new Set<Turn>();
  const now = () => {
    for (const turn of turns) if (turn.isOn()) return turn;
    return undefined;
  };
  socket.write = function writeSealed(...args) {
    const turn = now();
    return turn ? turn.write(args) : write.apply(this, args);
  };
  // An error behind a whole answer makes frameworks destroy the connection. Unsealed, the answer is out by then.
  socket.destroy = function destroyBehind(...args) {
    const isLater = now()?.whenSent(() => destroy.apply(this, args));
    return isLater ? this : destroy.apply(this, args);
  };
  const plainLength = lengthOf(socket);
  Object.defineProperty(socket, 'writableLength', {
    configurable: true,
    get: () => plainLength() + (now()?.size() ?? 0),
  });
  makeRoom(socket);
  socket.prependListener('drain', () => now()?.drained()); // before the response hears of it, and asks whether there is room
  const tap = { turns, write };
  taps.set(socket, tap);
  return tap;
}

/** How `writableLength` is found, which is a getter of a class of Node's. */
function lengthOf(socket: NodeSocket): () => number {
  for (let at: object | null = socket; at; at = Object.getPrototypeOf(at)) {
    const { get } = Object.getOwnPropertyDescriptor(at, 'writableLength') ?? {};
    if (get) return () => get.call(socket) as number;
  }
  return () => 0;
}

const lastChunk = (trailers: readonly Header[] = []): Uint8Array =>
  encodeUtf8(`0\r\n${linesOf(trailers)}\r\n`);

const linesOf = (headers: readonly Header[]): string =>
  headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');

const lengthOfAll = (parts: readonly Uint8Array[]): number =>
  parts.reduce((length, part) => length + part.length, 0);

/** None of no bytes: that would be the last. */
function chunk(parts: readonly Uint8Array[]): Uint8Array[] {
  const length = lengthOfAll(parts);
  return length === 0 ? [] : [encodeUtf8(`${length.toString(16)}\r\n`), ...parts, encodeUtf8('\r\n')];
}

const whole = (head: AnswerHead, body: readonly Uint8Array[]): Uint8Array[] => {
  const length = lengthOfAll(body);
  const framing: Header[] = HAS_NO_LENGTH.has(head.status) ? [] : [['Content-Length', String(length)]];
  return length > ONE_PIECE ? [headBytes(head, framing), ...body] : [headBytes(head, framing, body)];
};

const HAS_NO_LENGTH = new Set([204, 304]); // RFC 9110 section 8.6

const FRAMING = /^(content-length|transfer-encoding)$/i;

/** A head, and the body behind it. Values are bytes as characters up to U+00FF, as Node has them. */
function headBytes(
  { status, headers }: AnswerHead,
  framing: readonly Header[] = [],
  body: readonly Uint8Array[] = [],
): Uint8Array {
  const sent = framing.length > 0 ? headers.filter(([name]) => !FRAMING.test(name)) : headers;
  const all = [...sent, ...framing];
  const first = `HTTP/1.1 ${status} \r\n`;
  const length = all.reduce((sum, [name, value]) => sum + name.length + value.length + 4, first.length + 2);
  const bytes = passingMemory(length + lengthOfAll(body));
  let at = putLatin1(bytes, 0, first);
  for (const [name, value] of all) {
    at = putLatin1(bytes, putLatin1(bytes, at, name), ': ');
    at = putLatin1(bytes, putLatin1(bytes, at, value), '\r\n');
  }
  at = putLatin1(bytes, at, '\r\n');
  for (const part of body) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Returns where it ends. */
function putLatin1(bytes: Uint8Array, at: number, text: string): number {
  for (let nr = 0; nr < text.length; nr++) bytes[at + nr] = text.charCodeAt(nr);
  return at + text.length;
}
