const STRING = /"(?:[^"\\]|\\.)*"/y;
const ATOM = /[^\s,\]}:]+/y;

/**
 * The line (from 1) on which each value of a JSON text begins, by its path: `rules[2].require[0]`. The text is known to be JSON.
 * A member that comes twice in one object is returned as `twice`: parsers silently keep the last one.
 */
export function linesOfJson(text: string): {
  readonly lines: ReadonlyMap<string, number>;
  readonly twice?: string;
} {
  const lines = new Map<string, number>();
  let at = 0;
  let line = 1;
  let twice: string | undefined;

  const space = () => {
    for (; at < text.length && /\s/.test(text[at]!); at++) if (text[at] === '\n') line++;
  };
  const token = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text)!;
    at += found.length;
    return found;
  };
  const parts = (end: string, part: (index: number) => void) => {
    at++;
    space();
    for (let index = 0; text[at] !== end; index++) {
      part(index);
      space();
      if (text[at] === ',') at++;
      space();
    }
    at++;
  };
  const value = (path: string) => {
    space();
    if (lines.has(path)) twice ??= path;
    lines.set(path, line);
    if (text[at] === '{')
      parts('}', () => {
        const name = JSON.parse(token(STRING)) as string;
        space();
        at++; // the colon
        value(path === '' ? name : `${path}.${name}`);
      });
    else if (text[at] === '[') parts(']', (index) => value(`${path}[${index}]`));
    else token(text[at] === '"' ? STRING : ATOM);
  };

  value('');
  return { lines, ...(twice === undefined ? {} : { twice }) };
}
