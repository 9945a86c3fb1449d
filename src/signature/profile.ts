import { xlinkError } from '../errors/service-errors.js';

/** The names that one signature of the profile goes by (RFC 9421 sections 2.3 and 4, C2SP httpsig-pq). */
export interface SignatureKind {
  /** Key of the member in `Signature-Input` and `Signature`. */
  readonly label: string;
  /** Of a request. That of an answer is in {@link ANSWER_TAG}. */
  readonly tag: string;
  readonly alg: string;
  /** Of the signature, in bytes. */
  readonly length: number;
}

export const ED25519: SignatureKind = { label: 'xlink', tag: 'xlink', alg: 'ed25519', length: 64 };
/** Beside the other one, never instead of it. */
export const ML_DSA_65: SignatureKind = {
  label: 'xlink-pq',
  tag: 'xlink-pq',
  alg: 'ml-dsa-65',
  length: 3309,
};

export const ANSWER_TAG = 'xlink-answer';

/** The DID that a request is for: RFC 9421 has no audience, and `@authority` is what proxies change. */
export const TO_HEADER = 'xlink-to';
/** The scope that a request is for; `*`: all that the DID was granted. */
export const SCOPE_HEADER = 'xlink-scope';
/** `?0` says of an answer that it is not signed, although it is one to a signed request. */
export const UNSIGNED_HEADER = 'Xlink-Signed';

/** What every request covers, in this order. */
export const REQUIRED = ['@method', '@path', '@query', TO_HEADER, SCOPE_HEADER] as const;
/** What follows where there is a body; `content-length` may. */
export const OF_THE_BODY = ['content-digest', 'content-type'] as const;
export const LENGTH = 'content-length';

/** The headers that hold a signature. */
export const SIGNATURE_INPUT = 'signature-input';
export const SIGNATURE = 'signature';

/** What is wrong with the form of a signature; `field` is the header. */
export const malformed = (field: string) => xlinkError('SIGNATURE_MALFORMED', { field });
export const wrongComponent = (field: string) => xlinkError('SIGNATURE_MALFORMED:COMPONENTS', { field });
export const wrongParameter = (field: string) => xlinkError('SIGNATURE_MALFORMED:PARAMETERS', { field });
