import { optionKit } from '@private.me/xlink/options';
import { XidError } from '../errors.js';

export * from '@private.me/xlink/options';

/** An `INVALID_OPTION` that says what is wrong. */
export const invalidOption = (field: string, hint: string): XidError =>
  new XidError('INVALID_OPTION', { field, hint });

export const { checkNames, checkValue } = optionKit(invalidOption);
