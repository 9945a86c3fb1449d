import { err, ok, type Result } from '@private.me/xlink';
import { toXlockError, type XlockError } from '../errors.js';

/** What was found as a result; what was thrown as its error. */
export async function attempted<T>(work: () => Promise<T>): Promise<Result<T, XlockError>> {
  try {
    return ok(await work());
  } catch (error) {
    return err(toXlockError(error));
  }
}
