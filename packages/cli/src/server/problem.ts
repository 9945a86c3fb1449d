import { isXlinkError, toXlinkError } from '@private.me/xlink';
import { FileStoreError } from '@private.me/xlink/file';
import { problemBody } from '@private.me/xlink/server';
import { StoreLost } from './access.js';
import { SERVER_ERRORS, ServerError } from './errors.js';

/** An answer that refuses (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What went wrong here, for the log; absent if it was the caller's fault. */
  readonly fault?: unknown;
}

/** Where the codes of the server are explained. */
const DOCS = 'https://xail.io/docs/packages/xlink-cli/server-api#errors';

/** What is answered for whatever was thrown: the row of a table, and nothing of the cause. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof ServerError) return ownProblem(thrown);
  if (thrown instanceof FileStoreError || thrown instanceof StoreLost)
    return ownProblem(new ServerError('STORE_UNAVAILABLE', { cause: thrown }));
  if (!isXlinkError(thrown)) return ownProblem(new ServerError('INTERNAL', { cause: thrown }));
  const error = toXlinkError(thrown);
  // Options are made of what the caller sent.
  const status = error.id === 'INVALID_OPTION' ? 400 : error.status;
  return {
    status,
    headers: { ...BASE, ...retryAfter(error.retryAfterMs) },
    body: problemBody(error, { status, field: error.field }),
    ...(status >= 500 ? { fault: error } : {}),
  };
}

const BASE = {
  'Content-Type': 'application/problem+json',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
};

function ownProblem(error: ServerError): Problem {
  const { id, status, details } = error;
  const [code, subCode] = id.split(':');
  const { field, expected, allow, retryAfterMs } = details;
  const { message: title } = SERVER_ERRORS[id];
  return {
    status,
    headers: {
      ...BASE,
      ...retryAfter(retryAfterMs),
      ...(allow === undefined ? {} : { Allow: allow }),
      ...(status === 413 ? { Connection: 'close' } : {}),
    },
    body: JSON.stringify({ type: DOCS, title, status, code, subCode, field, expected }),
    ...(status >= 500 ? { fault: error.cause ?? error } : {}),
  };
}

const retryAfter = (ms: number | undefined): Readonly<Record<string, string>> =>
  ms === undefined ? {} : { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) };
