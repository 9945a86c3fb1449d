import { encodeUtf8 } from './utf8.js';

/**
 * Replaces every character that matches by `%XX`, so that text from an HTTP message can stand in an envelope. Up to
 * U+00FF a character stands for the byte it is on the wire (that is how Node shows headers and targets).
 */
export const percentEncode = (text: string, foreign: RegExp): string =>
  text.replace(foreign, encodeCharacter);

function encodeCharacter(character: string): string {
  const code = character.codePointAt(0)!;
  const bytes = code <= 0xff ? [code] : encodeUtf8(character);
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
