import type { XlinkError } from './errors.js';

/** A success carrying `value`. `error` is typed so that `result.error` needs no narrowing to be read. */
export interface Ok<T> {
  readonly ok: true;
  /** What the operation returned. */
  readonly value: T;
  /** Always absent. */
  readonly error?: undefined;
}

/** A failure carrying `error`. */
export interface Err<E = XlinkError> {
  readonly ok: false;
  /** Why the operation failed. */
  readonly error: E;
  /** Always absent. */
  readonly value?: undefined;
}

/**
 * What operations return that are expected to fail now and then: check `ok`, then read `value` or `error`.
 * Nothing that returns a `Result` throws for bad input from the outside.
 */
export type Result<T, E = XlinkError> = Ok<T> | Err<E>;

/** Makes a success. */
export const ok = <T>(value: T): Ok<T> => ({ ok: true, value });

/** Makes a failure. */
export const err = <E>(error: E): Err<E> => ({ ok: false, error });
