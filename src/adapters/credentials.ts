import { xlinkError } from '../errors/errors.js';
import type { InboundRequest } from '../http/decision.js';
import { mediaTypeOf } from '../http/media-type.js';
import { decodeBase64url } from '../util/base64url.js';

/** Node takes 16 KiB of headers by default; a version 3 envelope needs half of that. */
const MAX_HEADER_CHARACTERS = 32 * 1024;

/** Where API keys are looked for, in this order: `extract`, `headers`, `schemes`, `query`. The first hit counts. */
export interface ApiKeySources {
  /** Authorization schemes whose credentials are API keys. Default `['ApiKey', 'Bearer']`. */
  readonly schemes?: readonly string[];
  /** Headers that hold nothing but an API key. Default `['X-API-Key']`. */
  readonly headers?: readonly string[];
  /** Query parameter. Default none: keys in URLs end up in logs. */
  readonly query?: string;
  /** Finds the key in some other way. */
  readonly extract?: (request: InboundRequest) => string | undefined;
}

/** How an envelope travels; `ambiguous` if there is more than one. */
export type EnvelopeForm = 'body' | 'header' | 'ambiguous';

/** Taken from the first of several, and from one that is malformed: what may be an envelope is treated as one. */
const mediaType = (request: InboundRequest): string =>
  mediaTypeOf(request.header('content-type')?.split(/[,\s]/, 1)[0]);

/** What follows this scheme (case-insensitive, RFC 9110 section 11.1) in `Authorization`; `undefined` for another one. */
function afterScheme(request: InboundRequest, scheme: string): string | undefined {
  const value = request.header('authorization');
  if (value === undefined || value.slice(0, scheme.length).toLowerCase() !== scheme.toLowerCase())
    return undefined;
  const rest = value.slice(scheme.length);
  return IN_A_SCHEME.test(rest) ? undefined : rest;
}

const IN_A_SCHEME = /^[\w!#$%&'*+.^`|~-]/;

/** The API key behind a scheme and a space. */
function keyOf(request: InboundRequest, scheme: string): string | undefined {
  const rest = afterScheme(request, scheme);
  return rest?.startsWith(' ') ? rest.trim() : undefined;
}

/** Whatever follows the scheme, a tab or a comma included, is meant to be an envelope: no key beside it is tried. */
const envelopeText = (request: InboundRequest): string | undefined =>
  afterScheme(request, 'Xlink')?.replace(/^ +/, '');

/** Whether the request carries an envelope, and how. */
export function findEnvelope(
  request: InboundRequest,
  bodyTypes: readonly string[],
): EnvelopeForm | undefined {
  const forms: EnvelopeForm[] = [];
  if (envelopeText(request) !== undefined) forms.push('header');
  if (request.header('xlink-envelope') !== undefined) forms.push('header');
  if (bodyTypes.includes(mediaType(request))) forms.push('body');
  return forms.length > 1 ? 'ambiguous' : forms[0];
}

/** The JSON bytes of the envelope in `Authorization: Xlink` or `Xlink-Envelope`. */
export function envelopeFromHeader(request: InboundRequest): Uint8Array {
  const text = envelopeText(request) ?? request.header('xlink-envelope') ?? '';
  if (text.length > MAX_HEADER_CHARACTERS) throw xlinkError('ENVELOPE_TOO_LARGE');
  const bytes = decodeBase64url(text);
  if (!bytes || bytes.length === 0) throw xlinkError('PARSE_FAILED:SYNTAX');
  return bytes;
}

/** The API key of the request; `undefined` if there is none. */
export function findApiKey(request: InboundRequest, sources: ApiKeySources): string | undefined {
  const { schemes = ['ApiKey', 'Bearer'], headers = ['X-API-Key'], query, extract } = sources;
  const candidates = [
    () => extract?.(request),
    ...headers.map((name) => () => request.header(name.toLowerCase())),
    ...schemes.map((scheme) => () => keyOf(request, scheme)),
    () => (query === undefined ? undefined : queryParameter(request.target, query)),
  ];
  for (const candidate of candidates) {
    const key = candidate();
    if (typeof key === 'string' && key !== '') return key;
  }
  return undefined;
}

const queryParameter = (target: string, name: string): string | undefined =>
  new URLSearchParams(target.split('?').slice(1).join('?')).get(name) ?? undefined;
