/**
 * What people see of a text, and joiners and variation selectors, which are parts of words and emoji. What is not seen can hide instructions to a
 * language model, turn a text around, and forge lines of a log: controls, formats, tags, fillers, separators of lines, blanks that are none.
 */
const SEEN = String.raw`[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\u2800]|[\u200c\u200d\ufe0e\ufe0f]`;

const ON_ONE_LINE = new RegExp(`^(?:${SEEN})*$`, 'u');
const ON_LINES = new RegExp(`^(?:${SEEN}|[\\n\\r\\t])*$`, 'u');

/** On one line, of 1 to `max` characters. */
export const isVisibleLine = (value: unknown, max: number): value is string =>
  isOfLength(value, max) && ON_ONE_LINE.test(value);

/** The same on several lines. */
export const isVisibleText = (value: unknown, max: number): value is string =>
  isOfLength(value, max) && ON_LINES.test(value);

/** Whether all texts in a JSON value are visible, names of members included. Walks without recursion: what comes may be as deep as it is long. */
export function hasVisibleTexts(json: unknown): boolean {
  const values: unknown[] = [json];
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (typeof value === 'string' && !ON_LINES.test(value)) return false;
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, each] of Object.entries(value)) {
      if (!ON_ONE_LINE.test(name)) return false;
      values.push(each);
    }
  }
  return true;
}

/** In characters, as a person counts them. */
const isOfLength = (value: unknown, max: number): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 2 * max && [...value].length <= max;
