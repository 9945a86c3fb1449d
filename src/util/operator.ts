import type { OptionCheck } from './options.js';

/** Who did something to an API by hand, and why. Both stand in the event that it leaves; neither is checked against anything. */
export interface Operator {
  /** Who: a name, an account or a ticket, 1 to 200 printable characters. Default: not said. */
  readonly by?: string;
  /** Why, 1 to 500 printable characters. Default: not said. */
  readonly why?: string;
}

/** They end up in logs and on pages: one line each. */
export const isLine =
  (max: number): OptionCheck =>
  (value) =>
    typeof value === 'string' && value.length <= max && /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(value)
      ? undefined
      : `1 to ${max} characters on one line`;

/** The checks of both. */
export const OPERATOR_CHECKS = { by: isLine(200), why: isLine(500) };
