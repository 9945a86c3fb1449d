import type { OutgoingHttpHeaders } from 'node:http';
import {
  type Agent,
  ENVELOPE_TYPE,
  type Envelope,
  type RequestOptions,
  requestBinding,
} from '@private.me/xlink';
import { KEY } from './keys.js';

// Requests as tests write them, and what becomes of them on the wire.

export const CANARY = 'payload-canary-52ab9e';
export const ORDER = { item: 'tea', note: CANARY };

/** A request as a test writes it. GET, or POST if it has a body, of `/orders`, unless said otherwise. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** Sends the body without Content-Length. */
  readonly chunked?: boolean;
}

type Draft = Partial<RequestOptions>;

export const methodOf = ({ method, body, chunked }: Sent): string =>
  method ?? (body !== undefined || chunked ? 'POST' : 'GET');
export const pathOf = ({ path = '/orders' }: Sent): string => path;
const bindingOf = (sent: Sent): string => requestBinding(methodOf(sent), pathOf(sent));

export const json = (value: unknown, sent: Sent = {}): Sent => ({
  ...sent,
  headers: { 'content-type': 'application/json', ...sent.headers },
  body: JSON.stringify(value),
});

export const withKey = (sent: Sent = {}, key = KEY): Sent => ({
  ...sent,
  headers: { ...sent.headers, 'x-api-key': key },
});

/** What a browser asks before it sends a request of another origin (Fetch standard). */
export const PREFLIGHT: Sent = {
  method: 'OPTIONS',
  headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
};

/** The envelope as the body. */
export const bodyForm = (envelope: Envelope | string, sent: Sent = {}): Sent => ({
  ...sent,
  headers: { 'content-type': ENVELOPE_TYPE, ...sent.headers },
  body: typeof envelope === 'string' ? envelope : JSON.stringify(envelope),
});

export const headerText = (envelope: Envelope | string): string =>
  Buffer.from(typeof envelope === 'string' ? envelope : JSON.stringify(envelope)).toString('base64url');

/** The envelope in a header, `Authorization` unless said otherwise, beside whatever body there is. */
export const headerForm = (
  envelope: Envelope | string,
  sent: Sent = {},
  header: 'authorization' | 'xlink-envelope' = 'authorization',
): Sent => ({
  ...sent,
  headers: {
    ...sent.headers,
    [header]: `${header === 'authorization' ? 'Xlink ' : ''}${headerText(envelope)}`,
  },
});

/** Who makes an envelope, and for whom. */
interface Pair {
  readonly api: { readonly did: string };
  readonly caller: Pick<Agent, 'createRequest'>;
}

export const sealedEnvelope = (
  { caller, api }: Pair,
  sent: Sent = {},
  draft: Draft = {},
): Promise<Envelope> =>
  caller.createRequest({
    to: api.did,
    payload: ORDER,
    request: bindingOf({ method: 'POST', ...sent }),
    ...draft,
  });

/** A signed-only envelope that covers method, path, query, body and its type. */
export async function signedEnvelope(
  { caller, api }: Pair,
  sent: Sent = {},
  draft: Draft = {},
): Promise<Envelope> {
  const contentType = sent.headers?.['content-type'];
  return caller.createRequest({
    to: api.did,
    signedOnly: true,
    request: bindingOf(sent),
    ...(sent.body === undefined ? {} : { content: Buffer.from(sent.body) }),
    ...(typeof contentType === 'string' ? { contentType } : {}),
    ...draft,
  });
}

/** A POST whose body is sealed. */
export const sealedRequest = async (from: Pair, sent: Sent = {}, draft: Draft = {}): Promise<Sent> =>
  bodyForm(await sealedEnvelope(from, sent, draft), sent);

/** A request with its envelope in `Authorization`. */
export const signedRequest = async (from: Pair, sent: Sent = {}, draft: Draft = {}): Promise<Sent> =>
  headerForm(await signedEnvelope(from, sent, draft), sent);

/** What a raw socket sends for a request. */
export function onTheWire(sent: Sent): Buffer {
  const body = Buffer.from(sent.body ?? '');
  const framing = sent.chunked
    ? { 'transfer-encoding': 'chunked' }
    : sent.body === undefined
      ? {}
      : { 'content-length': body.length };
  const headers = Object.entries({ host: 'test', ...framing, ...sent.headers });
  const head = [
    `${methodOf(sent)} ${pathOf(sent)} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  const chunks = sent.chunked
    ? [
        body.length > 0 ? `${body.length.toString(16)}\r\n` : '',
        body,
        body.length > 0 ? '\r\n' : '',
        '0\r\n\r\n',
      ]
    : [body];
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
    ...chunks.map((part) => Buffer.from(part)),
  ]);
}

export function secretsIn({ headers = {}, body }: Sent): string[] {
  const { authorization = '', 'x-api-key': key, 'xlink-envelope': envelope } = headers;
  const texts = [String(authorization).split(' ')[1], key, envelope, ...membersIn(body)].flat();
  return texts.filter((text): text is string => typeof text === 'string' && text.length >= 12);
}

/** The parts of an enveloped body that give something away. */
function membersIn(body: Sent['body']): unknown[] {
  if (typeof body !== 'string') return [];
  try {
    const { payload, signature } = JSON.parse(body);
    return [payload, signature];
  } catch {
    return [];
  }
}
