import { concat } from '../../crypto/bytes.js';
import type { Header } from '../../envelope/plaintext.js';
import type { AnswerSealer } from '../../http/answer-head.js';
import { makeRoom } from '../node/listener-room.js';
import { bytesOf, callbackIn } from './arguments.js';
import type { FailureAnswer } from './http1.js';
import { type Ending, SealedOutput } from './sealed-output.js';

/** What every response with Node's interface offers. */
export interface WritableResponse {
  statusCode: number;
  readonly headersSent: boolean;
  getHeaders(): Record<string, unknown>;
  setHeader(name: string, value: unknown): unknown;
  removeHeader(name: string): void;
  writeHead(...args: unknown[]): unknown;
  flushHeaders(): void;
  write(...args: unknown[]): boolean;
  end(...args: unknown[]): unknown;
  destroy(error?: unknown): unknown;
  emit(event: string): unknown;
  prependListener(event: string, listener: () => void): unknown;
  once(event: string, listener: () => void): unknown;
}

/**
 * Seals what is written to a response that stands on no connection of Node's: those of other runtimes, of serverless
 * wrappers, of tests that inject requests. It takes the place of the methods that write, so hooks that were put on them by
 * middleware in front see sealed bytes.
 */
export function sealMethods(
  res: WritableResponse,
  sealer: AnswerSealer,
  failure: FailureAnswer,
  onHead: (status: number) => void,
): void {
  const { writeHead, write, end, flushHeaders } = res;
  let hasHead = false;
  const pass = (parts: readonly Uint8Array[], isFinal: boolean, { written }: Ending): boolean => {
    const bytes = concat(parts);
    if (!isFinal) return write.call(res, bytes, written);
    end.call(res, bytes, written);
    return true;
  };
  const setHead = ({ status, headers }: { readonly status: number; readonly headers: readonly Header[] }) => {
    Object.assign(res, { writeHead, write, end, flushHeaders });
    for (const name of Object.keys(res.getHeaders())) res.removeHeader(name);
    for (const [name, value] of headersIn(headers)) res.setHeader(name, value);
    res.statusCode = status;
  };
  const output = new SealedOutput(sealer, {
    begin(head, parts, isFinal, end) {
      setHead(head);
      const hasRoom = pass(parts, isFinal, end);
      if (!isFinal) intercept();
      return hasRoom;
    },
    write: pass,
    drained: () => res.emit('drain'),
    fail(error, hasBegun, written) {
      if (hasBegun) return void res.destroy();
      const { head, body } = failure(error);
      setHead(head);
      end.call(res, body, written);
    },
  });
  const begin = () => {
    if (hasHead) return;
    hasHead = true;
    const headers = Object.entries(res.getHeaders()).flatMap(([name, value]) =>
      [value].flat().map((each): Header => [name, String(each)]),
    );
    onHead(res.statusCode);
    output.head({ status: res.statusCode, headers });
  };
  const finish = (callback: (() => void) | undefined) => {
    output.end();
    if (callback && !output.flush(callback)) queueMicrotask(callback);
  };

  /** The methods of the response are what the handler calls; the real ones are called from here. */
  function intercept(): void {
    res.writeHead = (status, ...rest) => {
      res.statusCode = status as number;
      for (const [name, value] of headersIn(rest.at(-1))) res.setHeader(name, value);
      return res;
    };
    res.flushHeaders = begin;
    res.write = (...args) => {
      implicitHead();
      output.write(bytesOf(args));
      const callback = callbackIn(args);
      if (callback && !output.flush(callback)) queueMicrotask(callback);
      return output.hasRoom;
    };
    res.end = (...args) => {
      implicitHead();
      const bytes = bytesOf(args);
      if (bytes.length > 0) output.write(bytes);
      finish(callbackIn(args));
      return res;
    };
  }
  /** Hooks on `writeHead` run in the moment in which they would have. */
  function implicitHead(): void {
    if (!hasHead) res.writeHead(res.statusCode);
    begin();
  }
  intercept();
  makeRoom(res);
  res.prependListener('drain', () => output.drained()); // before the handler hears of it
  res.once('close', () => output.abandon());
}

/** Pairs in a list, or an object with lists in it: all values of a name together. */
function headersIn(headers: unknown): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const add = (name: string, value: unknown) => {
    const key = name.toLowerCase();
    found.set(key, found.has(key) ? [found.get(key), value].flat() : value);
  };
  if (Array.isArray(headers)) {
    const pairs = Array.isArray(headers[0]) ? headers : chunked(headers);
    for (const [name, value] of pairs) add(String(name), value);
  } else if (typeof headers === 'object' && headers !== null) {
    for (const [name, value] of Object.entries(headers)) add(name, value);
  }
  return found;
}

const chunked = (list: readonly unknown[]): unknown[][] =>
  list.flatMap((_, at) => (at % 2 === 0 ? [[list[at], list[at + 1]]] : []));
