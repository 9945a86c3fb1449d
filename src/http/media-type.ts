/** Media type of an envelope in a body. */
export const ENVELOPE_TYPE = 'application/xlink-envelope';
/** Media type of a sealed answer: its head, and the chunks of its body as they come. */
export const ANSWER_TYPE = 'application/xlink-answer';
/** Media type of a problem document (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json';
export { JSON_TYPE } from '../envelope/plaintext.js';

/** Type and subtype of a `Content-Type`, in lower case and without parameters; empty if there is none. */
export const mediaTypeOf = (header: string | null | undefined): string =>
  (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
