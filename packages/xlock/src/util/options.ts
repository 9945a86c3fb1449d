import { optionKit } from '@private.me/xlink/options';
import { XlockError } from '../errors.js';

export * from '@private.me/xlink/options';

/** An `INVALID_OPTION` that says what is wrong. */
export const invalidOption = (field: string, hint: string): XlockError =>
  new XlockError('INVALID_OPTION', { field, resolution: hint });

export const { checkNames, checkValue } = optionKit(invalidOption);
