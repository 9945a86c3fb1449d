import { isXlinkError, toXlinkError } from '@private.me/xlink';
import { FileStoreError } from '@private.me/xlink/file';
import { apiError, apiProblem, PROBLEM_HEADERS, type Problem, StoreLost } from '@private.me/xlink/http-api';
import { isXlockError } from '../errors.js';

/** Where the codes are explained. */
const DOCS = 'https://xail.io/docs/packages/xlock/errors';

/** What is answered for whatever was thrown. Errors of this package also say `id` and `resolution`, which devices read. */
export function problemOf(thrown: unknown): Problem {
  if (isXlockError(thrown)) {
    const { id, code, title, resolution, field, cause } = thrown;
    const isCallers = id === 'INVALID_OPTION'; // options are made of what the caller sent
    const status = isCallers ? 400 : thrown.status;
    const [, subCode] = id.split(':');
    return {
      status,
      headers: PROBLEM_HEADERS,
      body: JSON.stringify({ type: DOCS, title, status, code, subCode, id, resolution, field }),
      ...(status >= 500 ? { fault: cause ?? thrown } : {}),
    };
  }
  const isStore = thrown instanceof FileStoreError || thrown instanceof StoreLost || isUnavailable(thrown);
  return apiProblem(isStore ? apiError('STORE_UNAVAILABLE', { cause: thrown }) : thrown, DOCS);
}

const isUnavailable = (thrown: unknown): boolean =>
  isXlinkError(thrown) && toXlinkError(thrown).status === 503;
