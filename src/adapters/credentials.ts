import { xlinkError } from '../errors/service-errors.js';
import type { InboundRequest } from '../http/decision.js';
import { mediaTypeOf } from '../http/media-type.js';
import { SESSION_HEADER, SESSION_TYPE } from '../http/session-headers.js';
import { saysSigned } from '../signature/signed-request.js';
import { decodeBase64url } from '../util/base64url.js';
import { isTextOrNone, promptAnswer } from '../util/prompt-answer.js';

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

/**
 * How a request proves an identity: by an envelope in its body or a header, by a signature over itself (RFC 9421), or by a session;
 * `ambiguous` if there is more than one.
 */
export type ProofForm = 'body' | 'header' | 'signature' | 'session' | 'ambiguous';

/** Taken from one that is malformed, too: what may be an envelope is treated as one. */
const mediaTypesOf = (request: InboundRequest): readonly string[] => {
  const lines = linesOf(request, 'content-type');
  return lines.length === 0 ? lines : lines.map((line) => mediaTypeOf(line.split(/[,\s]/, 1)[0]));
};

/** A framework that cannot tell lines apart has one at most. */
function linesOf(request: InboundRequest, name: string): readonly string[] {
  const value = request.header(name);
  return value === undefined ? NONE : (request.lines?.(name) ?? [value]);
}

const NONE: readonly string[] = [];

/** What follows this scheme (case-insensitive, RFC 9110 section 11.1) in a value of `Authorization`; `undefined` for another one. */
function afterScheme(value: string | undefined, scheme: string): string | undefined {
  if (value === undefined || value.slice(0, scheme.length).toLowerCase() !== scheme.toLowerCase())
    return undefined;
  const rest = value.slice(scheme.length);
  return IN_A_SCHEME.test(rest) ? undefined : rest;
}

const IN_A_SCHEME = /^[\w!#$%&'*+.^`|~-]/;

/** The API key behind a scheme and a space. */
function keyOf(request: InboundRequest, scheme: string): string | undefined {
  const rest = afterScheme(request.header('authorization'), scheme);
  return rest?.startsWith(' ') ? rest.trim() : undefined;
}

/** Without the spaces in front. */
function withoutSpaces(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  let at = 0;
  while (text[at] === ' ') at += 1;
  return text.slice(at);
}

/** Whatever follows the scheme, a tab or a comma included, is meant to be an envelope: no key beside it is tried. */
const envelopeIn = (authorization: string | undefined): string | undefined =>
  withoutSpaces(afterScheme(authorization, 'Xlink'));

/** What follows the scheme of sessions, in form or not. */
const sessionIn = (authorization: string | undefined): string | undefined =>
  withoutSpaces(afterScheme(authorization, SESSION_HEADER));

/** The credential of a session in `Authorization` or `Xlink-Session`; empty if there is none. */
export const sessionCredential = (request: InboundRequest): string =>
  sessionIn(request.header('authorization')) ?? request.header(SESSION_HEADER) ?? '';

/** Whether the request proves an identity, and how. Throws `CREDENTIALS_AMBIGUOUS`: the app behind may read another line than the adapter. */
export function findProof(request: InboundRequest, bodyTypes: readonly string[]): ProofForm | undefined {
  const authorizations = linesOf(request, 'authorization');
  const inHeaders = count(authorizations, envelopeIn) + linesOf(request, 'xlink-envelope').length;
  const types = mediaTypesOf(request);
  const inBody = types.some((type) => bodyTypes.includes(type));
  const isSigned = saysSigned(request);
  const sessions = count(authorizations, sessionIn) + linesOf(request, SESSION_HEADER).length;
  const isSession = sessions > 0 || types.includes(SESSION_TYPE);
  const proofs = inHeaders + (inBody ? types.length : 0) + (isSigned ? 1 : 0) + sessions;
  if (proofs > 1 || (isSession && (proofs > sessions || types.length > 1))) return 'ambiguous';
  if (authorizations.length > 1) throw xlinkError('CREDENTIALS_AMBIGUOUS', { field: 'authorization' });
  if (isSession) return 'session';
  if (isSigned) return 'signature';
  return inBody ? 'body' : inHeaders > 0 ? 'header' : undefined;
}

/** In how many of these lines there is what is looked for. */
function count(lines: readonly string[], found: (line: string) => string | undefined): number {
  let sum = 0;
  for (let at = 0; at < lines.length; at++) if (found(lines[at]!) !== undefined) sum += 1;
  return sum;
}

/** The JSON bytes of the envelope in `Authorization: Xlink` or `Xlink-Envelope`. */
export function envelopeFromHeader(request: InboundRequest): Uint8Array {
  const text = envelopeIn(request.header('authorization')) ?? request.header('xlink-envelope') ?? '';
  if (text.length > MAX_HEADER_CHARACTERS) throw xlinkError('ENVELOPE_TOO_LARGE');
  const bytes = decodeBase64url(text);
  if (!bytes || bytes.length === 0) throw xlinkError('PARSE_FAILED:SYNTAX');
  return bytes;
}

/** The API key of the request; `undefined` if there is none. */
export function findApiKey(request: InboundRequest, sources: ApiKeySources): string | undefined {
  const { schemes = SCHEMES, headers = HEADERS, query, extract } = sources;
  const extracted =
    extract && promptAnswer('extract', extract(request) || undefined, isTextOrNone, 'a key, or undefined');
  if (extracted !== undefined) return extracted;
  for (const name of headers) {
    const key = request.header(name.toLowerCase());
    if (isKey(key)) return key;
  }
  for (const scheme of schemes) {
    const key = keyOf(request, scheme);
    if (isKey(key)) return key;
  }
  const key = query === undefined ? undefined : queryParameter(request.target, query);
  return isKey(key) ? key : undefined;
}

const SCHEMES = ['ApiKey', 'Bearer'];
const HEADERS = ['x-api-key'];

const isKey = (found: unknown): found is string => typeof found === 'string' && found !== '';

const queryParameter = (target: string, name: string): string | undefined =>
  new URLSearchParams(target.split('?').slice(1).join('?')).get(name) ?? undefined;
