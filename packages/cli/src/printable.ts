/** Characters that a terminal obeys, or does not show: control characters but tab and line end, those that turn the direction of text, invisible ones. */
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** A text with `\uXXXX` in the place of what could mislead who reads it: in JSON the same strings as before. */
export const printable = (text: string): string =>
  text.replace(HIDDEN, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );

/** A name that a stranger chose, in quotes: where it ends is seen. */
export const quoted = (text: string): string => printable(JSON.stringify(text));
