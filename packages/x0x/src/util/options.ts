import { optionKit } from '@private.me/xlink/options';
import { X0xError } from '../errors.js';

export * from '@private.me/xlink/options';

/** An `INVALID_OPTION` that says what is wrong. */
export const invalidOption = (field: string, hint: string): X0xError =>
  new X0xError('INVALID_OPTION', { field, hint });

export const { checkNames, checkValue } = optionKit(invalidOption);

export const isDid = (value: unknown): boolean =>
  typeof value === 'string' && /^did:[a-z0-9]+:.+$/.test(value);
