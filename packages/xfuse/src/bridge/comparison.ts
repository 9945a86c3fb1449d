import type { NotMirrored } from './events.js';

/** One difference, without what may be personal. */
export interface Difference {
  /** `status`, `header:NAME`, `body`, or a JSON Pointer (RFC 6901) into the body. */
  readonly at: string;
  /** `missing`: only the legacy side has it; `extra`: only the modern side. */
  readonly kind: 'changed' | 'type' | 'missing' | 'extra';
  /** What the legacy side has: a status, or a type and length such as `string(12)`; the value itself only where `reveal` says so. */
  readonly legacy: string;
  /** The same of the modern side. */
  readonly modern: string;
}

/** What came of a mirrored request. */
export interface Comparison {
  /**
   * `same`, `different`; `modern-error`: the modern side did not answer, or not to the end; `incomplete`: the caller did not read
   * the legacy answer to its end; `not-mirrored`: see `reason`.
   */
  readonly outcome: 'same' | 'different' | 'modern-error' | 'incomplete' | 'not-mirrored';
  /** Method and place of the report that the request belongs to. */
  readonly route: string;
  /** Why it was not mirrored. */
  readonly reason?: NotMirrored;
  /** At most 50. */
  readonly differences: readonly Difference[];
  /** How much of the bodies was compared: `large` ones only by status and headers. */
  readonly body: 'json' | 'bytes' | 'none' | 'large';
  /** Until the head of the legacy answer, in ms; absent where there was none. */
  readonly legacyMs?: number;
  /** The same of the modern answer. */
  readonly modernMs?: number;
  /** Code of the error of the modern side, such as `TIMEOUT` or a code of xLink; never a message. */
  readonly error?: string;
}

/** How many requests were not mirrored, by reason. */
export type NotMirroredCounts = { readonly [reason in NotMirrored]?: number };
