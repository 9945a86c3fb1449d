import { expect } from '@jest/globals';
import { isXlinkError, type XlinkError } from '../../src/errors/errors.js';
import type { Result } from '../../src/errors/result.js';
import type { ErrorId } from '../../src/errors/table.js';

/** The value of a success; throws the error of a failure, so that a test stops where it went wrong. */
export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

/** `ok`, or the id of the error: one word to compare. */
export const idOf = (result: Result<unknown>): ErrorId | 'ok' => (result.ok ? 'ok' : result.error.id);

/** The error of a failure; throws for a success. */
export function errorOf(result: Result<unknown>): XlinkError {
  if (result.ok) throw new Error('expected a failure, got a success');
  return result.error;
}

/** The XlinkError that a call throws or rejects with; anything else it does is an error of the test. */
export async function thrownBy(call: () => unknown): Promise<XlinkError> {
  try {
    await call();
  } catch (error) {
    if (isXlinkError(error)) return error;
    throw error;
  }
  throw new Error('expected a throw, there was none');
}

/** The error of an option that is refused: its id and the name of the option. */
export async function optionRefusedBy(call: () => unknown): Promise<string> {
  const { id, field } = await thrownBy(call);
  expect(id).toBe('INVALID_OPTION');
  return String(field);
}
