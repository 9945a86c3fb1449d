/** JSON for databases of whatever encoding: all ASCII. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** As inside a JSON string: no NUL, nothing that an encoding lacks, and no two texts become the same. */
export const escaped = (text: string): string => asciiJson(text).slice(1, -1);

export const unescaped = (text: string): string => JSON.parse(`"${text}"`);
