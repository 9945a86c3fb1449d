/**
 * What a terminal would obey or turn around instead of showing it: control characters of both sets, line and paragraph separators, marks of
 * direction, characters of no width, and halves of characters.
 */
const UNSEEN =
  /[\p{Cc}\p{Cs}\u{61c}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e007f}]/gu;

const escaped = (character: string): string => `\\u{${character.codePointAt(0)!.toString(16)}}`;

/** One line that shows everything in it: what a terminal would obey is spelled out, such as `\u{1b}`. */
export const oneLine = (text: string): string => text.replace(UNSEEN, escaped);

/** The same, of a text from elsewhere, and no longer than `most` characters: 120 unless said otherwise. */
export function printable(text: string, most = 120): string {
  const line = oneLine(text.length > 4 * most ? text.slice(0, 4 * most) : text);
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** JSON that a terminal shows as it is, and that means the same. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(UNSEEN, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
