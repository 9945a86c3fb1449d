import { optionKit } from '@private.me/xlink/options';
import { GroupError } from '../errors.js';

export * from '@private.me/xlink/options';

/** An `INVALID_OPTION` that says what is wrong. */
export const invalidOption = (field: string, hint: string): GroupError =>
  new GroupError('INVALID_OPTION', { field, hint });

export const { checkNames, checkValue } = optionKit(invalidOption);

/** https, or http of this machine. */
export function isServerUrl(value: unknown): boolean {
  try {
    const { protocol, hostname, search, hash } = new URL(value as string);
    const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
    return (protocol === 'https:' || (protocol === 'http:' && isHere)) && search === '' && hash === '';
  } catch {
    return false;
  }
}
