import { isXlinkError, toXlinkError } from '@private.me/xlink';
import { FileStoreError } from '@private.me/xlink/file';
import {
  ApiError,
  apiProblem,
  PROBLEM_HEADERS,
  type Problem,
  retryAfter,
  StoreLost,
} from '@private.me/xlink/http-api';
import { problemBody } from '@private.me/xlink/server';
import { ServerError } from './errors.js';

/** Where the codes of the server are explained. */
const DOCS = 'https://xail.io/docs/packages/xlink-cli/server-api#errors';

/** What is answered for whatever was thrown: the row of a table, and nothing of the cause. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof FileStoreError || thrown instanceof StoreLost)
    return apiProblem(new ServerError('STORE_UNAVAILABLE', { cause: thrown }), DOCS);
  if (thrown instanceof ApiError || !isXlinkError(thrown)) return apiProblem(thrown, DOCS);
  const error = toXlinkError(thrown);
  // Options are made of what the caller sent.
  const status = error.id === 'INVALID_OPTION' ? 400 : error.status;
  return {
    status,
    headers: { ...PROBLEM_HEADERS, ...retryAfter(error.retryAfterMs) },
    body: problemBody(error, { status, field: error.field }),
    ...(status >= 500 ? { fault: error } : {}),
  };
}
