import { toXlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';

/** A failure as a result: whatever is thrown becomes an `XlinkError`. */
export async function attempt<T>(operation: () => T | Promise<T>): Promise<Result<T>> {
  try {
    return ok(await operation());
  } catch (error) {
    return err(toXlinkError(error));
  }
}

/** The same, thrown. */
export async function orThrow<T>(operation: () => Promise<T>): Promise<T> {
  const made = await attempt(operation);
  if (!made.ok) throw made.error;
  return made.value;
}
