import { toXlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';

/** What an operation resolves to; an `XlinkError` for whatever it throws. */
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
