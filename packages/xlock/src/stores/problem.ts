import { isXlockError } from '../errors.js';
import type { XStoreBackend } from './backend.js';

/** A store that did not do its part, and why. */
export interface StoreProblem {
  /** Of the store. */
  readonly id: string;
  /** For people, such as `The store answered with status 401.` */
  readonly reason: string;
}

/** What went wrong at a store, in one line for people. A failed connection hides its reason in the cause. */
export function reasonOf(error: unknown): string {
  if (isXlockError(error)) return error.resolution;
  const { message, cause } = Object(error) as { message?: unknown; cause?: unknown };
  const { code, message: under } = Object(cause) as { code?: unknown; message?: unknown };
  const said = [message, code ?? under].filter((one) => typeof one === 'string' && one !== '');
  return said.length === 0 ? 'It does not say why.' : said.join(': ');
}

/** As {@link reasonOf} has it, beside the id. */
export const problemOf = ({ id }: XStoreBackend, error: unknown): StoreProblem => ({
  id,
  reason: reasonOf(error),
});
