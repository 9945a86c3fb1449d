import { optionKit } from '@private.me/xlink/options';
import { MeshError } from '../errors/mesh-error.js';

export * from '@private.me/xlink/options';

/** An `INVALID_OPTION` that says what is wrong. */
export const invalidOption = (field: string, hint: string): MeshError =>
  new MeshError('INVALID_OPTION', { field, hint });

export const { checkNames, checkValue } = optionKit(invalidOption);
