import { concat } from '../../crypto/bytes.js';
import { ENVELOPE_TYPE, PROBLEM_TYPE } from '../../http/media-type.js';
import type { PlainResponse } from '../../http/response.js';
import { sealedStatus } from '../../http/sealed-response.js';
import { encodeUtf8 } from '../../util/utf8.js';

/** What a Node response offers to be held back. */
export interface HoldableResponse {
  statusCode: number;
  getHeader(name: string): unknown;
  setHeader(name: string, value: unknown): unknown;
  removeHeader(name: string): void;
  writeHead(...args: unknown[]): unknown;
  flushHeaders(): void;
  write(...args: unknown[]): boolean;
  end(...args: unknown[]): unknown;
}

/** Headers that describe the plain body, or give away a hash of it. */
const ABOUT_THE_BODY = [
  'Content-Encoding',
  'Content-Length',
  'Transfer-Encoding',
  'ETag',
  'Content-MD5',
  'Content-Range',
  'Accept-Ranges',
  'Trailer',
];

/**
 * Holds back what a handler writes until it ends, and sends it sealed. The whole response is kept in memory: a caller
 * that asks for a sealed answer cannot have a stream. If sealing fails, `onFailure` says what is sent instead.
 */
export function holdResponse(
  res: HoldableResponse,
  seal: (answer: PlainResponse) => Promise<string>,
  onFailure: (error: unknown) => { readonly status: number; readonly body: string },
): void {
  const { writeHead, flushHeaders, write, end } = res;
  const chunks: Uint8Array[] = [];
  let ended = false;

  const send = async () => {
    const contentType = res.getHeader('Content-Type');
    const encoding = res.getHeader('Content-Encoding');
    const answer = {
      status: res.statusCode,
      contentType: contentType === undefined ? undefined : String(contentType),
      body: concat(chunks),
    };
    for (const name of ABOUT_THE_BODY) res.removeHeader(name);
    let body: string;
    try {
      if (encoding !== undefined && encoding !== 'identity')
        throw new TypeError('an answer with a Content-Encoding cannot be sealed');
      body = await seal(answer);
      res.setHeader('Content-Type', ENVELOPE_TYPE);
      res.statusCode = sealedStatus(res.statusCode);
    } catch (error) {
      const failure = onFailure(error);
      res.statusCode = failure.status;
      res.setHeader('Content-Type', PROBLEM_TYPE);
      body = failure.body;
    }
    Object.assign(res, { writeHead, flushHeaders, write, end });
    res.end(body);
  };

  res.writeHead = (status, ...rest) => {
    res.statusCode = status as number;
    for (const [name, value] of headersOf(rest.at(-1))) res.setHeader(name, value);
    return res;
  };
  res.flushHeaders = () => {};
  res.write = (chunk, ...rest) => {
    if (!ended) hold(chunks, chunk, rest);
    callbackOf(rest)?.();
    return true;
  };
  res.end = (...args) => {
    if (ended) return res;
    ended = true;
    const [chunk, ...rest] = typeof args[0] === 'function' ? [undefined, ...args] : args;
    if (chunk !== undefined && chunk !== null) hold(chunks, chunk, rest);
    void send().then(callbackOf(rest));
    return res;
  };
}

function hold(chunks: Uint8Array[], chunk: unknown, rest: readonly unknown[]): void {
  if (chunk instanceof Uint8Array) chunks.push(Uint8Array.from(chunk));
  else chunks.push(encodeText(String(chunk), typeof rest[0] === 'string' ? rest[0] : 'utf8'));
}

/** Node's legacy encodings are for Node to decode; elsewhere there is UTF-8 only. */
function encodeText(text: string, encoding: string): Uint8Array {
  const native = (globalThis as { Buffer?: { from(text: string, encoding: string): Uint8Array } }).Buffer;
  return native ? native.from(text, encoding) : encodeUtf8(text);
}

const callbackOf = (rest: readonly unknown[]) =>
  rest.find((value) => typeof value === 'function') as (() => void) | undefined;

function headersOf(headers: unknown): [string, unknown][] {
  if (Array.isArray(headers))
    return headers.flatMap((name, at) =>
      at % 2 === 0 ? [[String(name), headers[at + 1]] as [string, unknown]] : [],
    );
  return typeof headers === 'object' && headers !== null ? Object.entries(headers) : [];
}
