import type { Header } from '../../envelope/plaintext.js';
import { type AnswerHead, type AnswerSealer, outerHead } from '../../http/answer-head.js';
import { bytesOf, callbackIn } from './arguments.js';
import { SealedOutput } from './sealed-output.js';
import { writeAll } from './write-all.js';

type Fields = Record<string, unknown>;

/** The parts of Node's `ServerHttp2Stream` that are used. */
export interface Http2Stream {
  respond(fields?: Fields, options?: Record<string, unknown>): void;
  write(...args: unknown[]): boolean;
  end(...args: unknown[]): unknown;
  sendTrailers(fields: Fields): void;
  close(code?: number): void;
  cork(): void;
  uncork(): void;
  emit(event: string): unknown;
  prependListener(event: string, listener: () => void): unknown;
  once(event: string, listener: () => void): unknown;
}

const INTERNAL_ERROR = 2; // RFC 9113 section 7

/** Seals what a response writes to its HTTP/2 stream. The response itself stays as it is, as in HTTP/1. */
export function sealHttp2(stream: Http2Stream, sealer: AnswerSealer): void {
  const { respond, write, end, sendTrailers } = stream;
  const writeOne = (...args: unknown[]) => write.apply(stream, args);
  const pass = (parts: readonly Uint8Array[], isFinal: boolean, written: () => void): boolean => {
    const hasRoom = writeAll(stream, writeOne, parts, written);
    if (isFinal) end.call(stream);
    return hasRoom;
  };
  const output = new SealedOutput(sealer, {
    begin: (_, parts, isFinal, written) => pass(parts, isFinal, written),
    write: pass,
    drained: () => stream.emit('drain'),
    fail: () => stream.close(INTERNAL_ERROR),
  });
  stream.respond = (fields = {}, options = {}) => {
    const { ':status': status = 200, ...rest } = fields;
    const headers = Object.entries(rest).flatMap(headersOf);
    const withDate: Header[] =
      options.sendDate === false || 'date' in rest
        ? headers
        : [...headers, ['date', new Date().toUTCString()]];
    const head = { status: Number(status), headers: withDate };
    // The stream counts as responded to from now on; what is sealed follows.
    respond.call(stream, fieldsOf(outerHead(head)), { ...options, endStream: false });
    output.head(head);
    if (options.endStream) output.end();
  };
  stream.write = (...args) => {
    output.write(bytesOf(args));
    const callback = callbackIn(args);
    if (callback && !output.flush(callback)) queueMicrotask(callback);
    return output.hasRoom;
  };
  stream.end = (...args) => {
    const bytes = bytesOf(args);
    if (bytes.length > 0) output.write(bytes);
    const callback = callbackIn(args);
    if (callback) stream.once('finish', callback);
    output.end();
    return stream;
  };
  // They would go out unsealed. A response asks to send them even if there are none.
  stream.sendTrailers = (fields) =>
    Object.keys(fields).length === 0 ? sendTrailers.call(stream, fields) : stream.close(INTERNAL_ERROR);
  stream.prependListener('drain', () => output.drained()); // before the response hears of it
  stream.once('close', () => output.abandon());
}

const headersOf = ([name, value]: [string, unknown]): Header[] =>
  [value].flat().map((each): Header => [name, String(each)]);

function fieldsOf({ status, headers }: AnswerHead): Fields {
  const fields: Record<string, unknown> = { ':status': status };
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    fields[key] = fields[key] === undefined ? value : [fields[key], value].flat();
  }
  return fields;
}
