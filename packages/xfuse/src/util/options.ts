import { optionKit } from '@private.me/xlink/options';
import { XfuseError } from '../errors.js';

export * from '@private.me/xlink/options';

/** An `INVALID_OPTION` that says what is wrong. */
export const invalidOption = (field: string, hint: string): XfuseError =>
  new XfuseError('INVALID_OPTION', { field, hint });

export const { checkNames, checkValue } = optionKit(invalidOption);
