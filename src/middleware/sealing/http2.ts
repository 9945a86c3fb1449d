import type { Header } from '../../envelope/plaintext.js';
import { type AnswerHead, type AnswerSealer, outerHead } from '../../http/answer-head.js';
import { makeRoom } from '../node/listener-room.js';
import { bytesOf, callbackIn } from './arguments.js';
import { type Ending, SealedOutput } from './sealed-output.js';
import { writeAll } from './write-all.js';

type Fields = Record<string, unknown>;

/** The parts of Node's `ServerHttp2Stream` that are used. */
export interface Http2Stream {
  /** Closed or about to be, by either end. */
  readonly closed: boolean;
  respond(fields?: Fields, options?: Record<string, unknown>): void;
  write(...args: unknown[]): boolean;
  end(...args: unknown[]): unknown;
  sendTrailers(fields: Fields): void;
  close(code?: number): void;
  cork(): void;
  uncork(): void;
  emit(event: string, ...values: unknown[]): unknown;
  prependListener(event: string, listener: () => void): unknown;
  once(event: string, listener: () => void): unknown;
}

const INTERNAL_ERROR = 2; // RFC 9113 section 7

/** Statuses with which Node ends a response at its head. */
const WITHOUT_BODY = new Set([204, 205, 304]);

/** Seals what a response writes to its HTTP/2 stream. The response itself stays as it is, as in HTTP/1. */
export function sealHttp2(stream: Http2Stream, sealer: AnswerSealer): void {
  const { respond, write, end, sendTrailers } = stream;
  const writeOne = (...args: unknown[]) => write.apply(stream, args);
  /** What follows the body: a response asks for it behind the last byte. */
  let trailing: Fields = {};
  const pass = (parts: readonly Uint8Array[], isFinal: boolean, { written, trailers }: Ending): boolean => {
    if (trailers) trailing = fieldsIn(trailers);
    const hasRoom = writeAll(stream, writeOne, parts, written);
    if (isFinal) end.call(stream);
    return hasRoom;
  };
  /** Sends the head of an answer that is held until it is whole. */
  let respondLate: ((head: AnswerHead) => void) | undefined;
  const output = new SealedOutput(sealer, {
    takesTrailers: true,
    begin(head, parts, isFinal, end) {
      respondLate?.(head);
      if (!respondLate || !WITHOUT_BODY.has(head.status)) return pass(parts, isFinal, end);
      end.written();
      return true;
    },
    write: pass,
    drained: () => stream.emit('drain'),
    fail: () => stream.close(INTERNAL_ERROR),
  });
  /** The head ended the response, which the stream itself does not know, for what is sealed is still to go out. */
  let isOver = false;
  stream.respond = (fields = {}, options = {}) => {
    const { ':status': status = 200, ...rest } = fields;
    const headers = Object.entries(rest).flatMap(headersOf);
    const withDate: Header[] =
      options.sendDate === false || 'date' in rest
        ? headers
        : [...headers, ['date', new Date().toUTCString()]];
    const head = { status: Number(status), headers: withDate };
    // The stream counts as responded to from now on; what is sealed follows.
    const send = (sent: AnswerHead) => respond.call(stream, fieldsOf(sent), { ...options, endStream: false });
    if (sealer.holdMs) {
      Object.defineProperty(stream, 'headersSent', { configurable: true, value: true });
      respondLate = (sent) => {
        Reflect.deleteProperty(stream, 'headersSent');
        if (WITHOUT_BODY.has(sent.status)) stream.end = end; // Node ends it there
        send(sent);
      };
    } else send(outerHead(head));
    output.head(head);
    if (!options.endStream && !WITHOUT_BODY.has(head.status)) return;
    isOver = true;
    Object.defineProperty(stream, 'writableEnded', { configurable: true, value: true });
    output.end();
  };
  stream.write = (...args) => {
    const callback = callbackIn(args);
    if (isOver) return refuseWrite(stream, callback);
    output.write(bytesOf(args));
    if (callback && !output.flush(callback)) queueMicrotask(callback);
    return output.hasRoom;
  };
  stream.end = (...args) => {
    if (stream.closed) {
      output.abandon(); // who was to get it has reset the stream, and Node ends it
      return end.apply(stream, args);
    }
    const bytes = bytesOf(args);
    if (bytes.length > 0) output.write(bytes);
    const callback = callbackIn(args);
    if (callback) stream.once('finish', callback);
    output.end();
    return stream;
  };
  // A pushed answer would go out unsealed. Handlers see a client that takes none (RFC 9113 section 6.5.2).
  Object.defineProperty(stream, 'pushAllowed', { configurable: true, value: false });
  // Those of a handler would go out unsealed. A response asks to send them even if there are none.
  stream.sendTrailers = (fields) =>
    Object.keys(fields).length === 0 ? sendTrailers.call(stream, trailing) : stream.close(INTERNAL_ERROR);
  makeRoom(stream);
  stream.prependListener('drain', () => output.drained()); // before the response hears of it
  stream.once('close', () => output.abandon());
}

/** What Node does with a write behind the end. */
function refuseWrite(stream: Http2Stream, callback: ((error: unknown) => void) | undefined): false {
  const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
  queueMicrotask(() => {
    callback?.(error);
    stream.emit('error', error);
  });
  return false;
}

const headersOf = ([name, value]: [string, unknown]): Header[] =>
  [value].flat().map((each): Header => [name, String(each)]);

const fieldsOf = ({ status, headers }: AnswerHead): Fields => ({ ':status': status, ...fieldsIn(headers) });

function fieldsIn(headers: readonly Header[]): Fields {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    fields[key] = fields[key] === undefined ? value : [fields[key], value].flat();
  }
  return fields;
}
