const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/**
 * Text that a terminal or a table shows as it is: control and format characters, those that turn the direction of text, and those that cannot
 * be seen are written as `\u202e`.
 */
export const printable = (text: string): string =>
  text.replace(UNSEEN, (sign) =>
    Array.from(
      { length: sign.length },
      (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
