import { isScope } from '../envelope/fields.js';
import type { InboundRequest } from '../http/decision.js';
import { contentTypeBinding, requestBinding } from '../http/request-binding.js';
import { looksLikeDidKey } from '../identity/did.js';
import type { Did, Scope } from '../types/protocol.js';
import { encodeBriefly } from '../util/encode-briefly.js';
import { sha256In } from './content-digest.js';
import { chosenOf } from './covered-components.js';
import { assertBeside, parametersOf } from './parameters.js';
import {
  ED25519,
  ML_DSA_65,
  malformed,
  OF_THE_BODY,
  REQUIRED,
  SCOPE_HEADER,
  SIGNATURE,
  SIGNATURE_INPUT,
  TO_HEADER,
} from './profile.js';
import { componentLine, pathAndQuery, signatureBase } from './signature-base.js';
import { assertReadable, type ReceivedSignature, SignatureHeaders } from './signature-input.js';
import { soleSignature } from './sole-signature.js';

/** What the callers of this profile put on a request, and nobody else does. */
export type SignedParts = Pick<InboundRequest, 'method' | 'target' | 'header' | 'lines'>;

/** Bytes and their signature. */
export interface Signed {
  readonly base: Uint8Array;
  readonly signature: Uint8Array;
}

/** A request with a signature in the form of the profile. Nothing is verified yet. */
export interface SignedRequest {
  /** Who is said to have signed it: `keyid`. */
  readonly from: Did;
  readonly to: Did;
  readonly scope: Scope;
  /** 22 to 86 characters of base64url. */
  readonly nonce: string;
  /** `created`, in ms since 1970. */
  readonly timestamp: number;
  /** After this time it is not to be taken, in ms since 1970. */
  readonly expires: number | undefined;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** `METHOD /path?query`, as envelopes are bound. */
  readonly request: string;
  /** Names of the headers that are covered, in order. */
  readonly headers: readonly string[];
  /** Those of them that are the caller's own choice. */
  readonly chosen: readonly string[];
  /** SHA-256 of the body, as base64url. */
  readonly contentDigest: string | undefined;
  readonly contentType: string | undefined;
  readonly ed25519: Signed;
  readonly mlDsa65: Signed | undefined;
  /** The headers that hold all this, and are none of the application's business. */
  readonly carriers: readonly string[];
}

/** Whether a request says that it is signed by this profile, be it in form or not: then nothing else on it counts. */
export const saysSigned = ({ header }: Pick<InboundRequest, 'header'>): boolean =>
  header(TO_HEADER) !== undefined || OWN.test(header(SIGNATURE_INPUT) ?? '');

const OWN = /(^|[,\s])xlink(-pq)?\s*=|;\s*tag\s*=\s*"xlink(-pq)?"/;

/** Throws `SIGNATURE_MALFORMED…`. */
export function readSignedRequest(request: SignedParts): SignedRequest {
  const { main, second, isAlone } = signaturesOf(request);
  const { created, expires, nonce, keyid } = parametersOf(main, ED25519);
  if (second) assertBeside(main, second);
  const chosen = chosenOf(main.components);

  const { method, target } = request;
  const { path, query } = pathAndQuery(target);
  const { components } = main;
  const values = [method, path, query]; // as chosenOf has made sure
  for (let at = DERIVED; at < components.length; at++) values.push(fieldOf(request, components[at]!));
  let lines = '';
  for (let at = 0; at < values.length; at++) lines += componentLine(`"${components[at]!}"`, values[at]!);

  const [, , , to, scope, digest, contentType] = values as [
    string,
    string,
    string,
    string,
    string,
    string?,
    string?,
  ];
  if (!looksLikeDidKey(to)) throw malformed(TO_HEADER);
  if (scope !== '*' && !isScope(scope)) throw malformed(SCOPE_HEADER);
  const hasBody = components[REQUIRED.length] === OF_THE_BODY[0];
  return {
    from: keyid,
    to,
    scope,
    nonce,
    timestamp: created * 1000,
    expires: expires === undefined ? undefined : expires * 1000,
    method,
    path,
    query,
    request: requestBinding(method, target),
    headers: components.slice(DERIVED),
    chosen,
    contentDigest: hasBody ? sha256In(digest!) : undefined,
    contentType: hasBody ? contentTypeBinding(contentType!) : undefined,
    ed25519: signed(lines, main),
    mlDsa65: second && signed(lines, second),
    carriers: isAlone ? OWN_HEADERS : OWN_HEADERS.slice(0, 2),
  };
}

/** How many components are no headers. */
const DERIVED = REQUIRED.filter((name) => name.startsWith('@')).length;
const OWN_HEADERS: readonly string[] = [TO_HEADER, SCOPE_HEADER, SIGNATURE_INPUT, SIGNATURE];

const signed = (lines: string, { params, signature }: ReceivedSignature): Signed => ({
  base: encodeBriefly(signatureBase(lines, params)),
  signature,
});

/** The signatures of the profile, and whether there are no others. */
function signaturesOf({ header }: SignedParts) {
  const [input, signature] = [header(SIGNATURE_INPUT) ?? '', header(SIGNATURE) ?? ''];
  assertReadable(input, signature);
  const sole = soleSignature(input, signature);
  if (sole) return { main: sole, second: undefined, isAlone: true };
  const headers = new SignatureHeaders(input, signature);
  const main = headers.find(ED25519);
  if (!main) throw malformed(SIGNATURE_INPUT);
  return { main, second: headers.find(ML_DSA_65), isAlone: headers.holdsOnly([ED25519, ML_DSA_65]) };
}

const PRINTABLE = /^[\x20-\x7e]*$/;

/** The value of a header that comes in one line: of several, the application may read another one than was signed. */
function fieldOf({ header, lines }: SignedParts, name: string): string {
  const found = lines?.(name);
  const value = found ? found[0] : header(name);
  if (value === undefined || (found && found.length > 1) || !PRINTABLE.test(value)) throw malformed(name);
  return value.trim();
}
