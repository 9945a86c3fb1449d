import { XfuseError } from '../errors.js';
import { checkNames, checkValue, invalidOption, isText } from '../util/options.js';
import type { Comparison } from './comparison.js';
import type { Side } from './events.js';
import type { BridgeCall } from './request.js';
import type { Xfuse } from './xfuse.js';

/** Most bytes of an answer that `send` reads: 16 MiB. */
const MAX_ANSWER_BYTES = 2 ** 24;

/** A request with JSON. */
export interface SendRequest extends BridgeCall {
  /** Sent as JSON. Default: no body. */
  readonly payload?: unknown;
  /** Below the endpoint. Default: the endpoint itself. */
  readonly path?: string;
  /** Default `POST` with a payload, else `GET`. */
  readonly method?: string;
  /** More headers. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `Idempotency-Key`: says that both sides together carry a write out once. Without it a write is not mirrored. */
  readonly idempotencyKey?: string;
  /** Aborts the request. Default none. */
  readonly signal?: AbortSignal;
}

/** An answer that was read. */
export interface SendResult {
  /** HTTP status. */
  readonly status: number;
  /** Headers of the answer. */
  readonly headers: Headers;
  /** JSON where the answer is JSON, else text. */
  readonly body: unknown;
  /** Who answered. */
  readonly side: Side;
  /** Of a mirrored request; never rejects, and is there later than the answer. */
  readonly compared?: Promise<Comparison>;
}

const NAMES = ['payload', 'path', 'method', 'headers', 'idempotencyKey', 'signal', 'caller', 'mode'];
const MODES = ['route', 'mirror', 'legacy', 'modern'];

/** Sends it over a bridge. */
export async function sendBy(bridge: Xfuse, request: SendRequest): Promise<SendResult> {
  checkNames('send', request, NAMES);
  checkValue('send', 'path', request.path, (path) => typeof path === 'string', 'a path');
  checkValue('send', 'caller', request.caller, isText, 'a text');
  checkValue('send', 'mode', request.mode, (mode) => MODES.includes(mode), MODES.join(', '));
  const { payload, path = '', headers: more = {}, idempotencyKey, signal, caller, mode } = request;
  const body = payload === undefined ? undefined : JSON.stringify(payload);
  const headers = new Headers(more);
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  if (!headers.has('accept')) headers.set('accept', 'application/json');
  if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
  const method = request.method ?? (body === undefined ? 'GET' : 'POST');
  if (body !== undefined && /^(GET|HEAD)$/i.test(method))
    throw invalidOption('method', 'send: GET and HEAD have no payload.');
  const response = await bridge.fetch(path, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(signal ? { signal } : {}),
    xfuse: { ...(caller === undefined ? {} : { caller }), ...(mode ? { mode } : {}) },
  });
  const compared = bridge.comparisonOf(response);
  return {
    status: response.status,
    headers: response.headers,
    body: await bodyOf(response),
    side: bridge.sideOf(response)!,
    ...(compared ? { compared } : {}),
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new XfuseError('BODY_TOO_LARGE');
    chunks.push(chunk);
  }
  const text = new TextDecoder().decode(Buffer.concat(chunks));
  if (!/[/+]json\b/i.test(response.headers.get('content-type') ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
