import { ApiError, apiError } from './errors.js';

/** An answer that refuses (RFC 9457). */
export interface Problem {
  /** HTTP status. */
  readonly status: number;
  /** Headers of the answer, `Content-Type` included. */
  readonly headers: Readonly<Record<string, string>>;
  /** Problem document (RFC 9457), as JSON. */
  readonly body: string;
  /** What went wrong here, for the log; absent if it was the caller's fault. */
  readonly fault?: unknown;
}

/** Headers of every refusal. */
export const PROBLEM_HEADERS = {
  'Content-Type': 'application/problem+json',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** What is answered for an {@link ApiError}, and `INTERNAL` for anything else: nothing of a cause. `type`: where the codes are explained, a URL. */
export function apiProblem(thrown: unknown, type: string): Problem {
  const error = thrown instanceof ApiError ? thrown : apiError('INTERNAL', { cause: thrown });
  const { id, status, title, details } = error;
  const [code, subCode] = id.split(':');
  const { field, expected, allow, retryAfterMs } = details;
  return {
    status,
    headers: {
      ...PROBLEM_HEADERS,
      ...retryAfter(retryAfterMs),
      ...(allow === undefined ? {} : { Allow: allow }),
      ...(status === 413 ? { Connection: 'close' } : {}),
    },
    body: JSON.stringify({ type, title, status, code, subCode, field, expected }),
    ...(status >= 500 ? { fault: error.cause ?? error } : {}),
  };
}

/** The header `Retry-After`, in seconds, of a time in ms. */
export const retryAfter = (ms: number | undefined): Readonly<Record<string, string>> =>
  ms === undefined ? {} : { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) };
