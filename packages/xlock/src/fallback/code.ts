import { randomBytes } from 'node:crypto';

/** Without letters that look like others. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTVWXYZ0123456789';

/** Letters in groups of four, 5 bits each, from as many bytes. */
export const codeOf = (bytes: Uint8Array): string =>
  [...bytes]
    .map((byte) => ALPHABET[byte & 31])
    .join('')
    .replace(/.{4}(?=.)/g, '$&-');

/** A code of this many random letters. */
export const randomCode = (letters: number): string => codeOf(randomBytes(letters));

/** As it was made, from what a person types: small letters, spaces and hyphens do not count. */
export const normalCode = (text: unknown): string =>
  String(text).toUpperCase().slice(0, 64).replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
