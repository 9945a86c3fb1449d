/** Characters (code points) of a label value; a longer one is cut to one less, with `…` at its end. */
export const MAX_LABEL_LENGTH = 128;

/** What is counted together once there are as many values as there may be. */
export const OTHER = 'other';

/**
 * Turns texts that others choose into labels: the first `max` different ones are told apart, all further ones are
 * `other`. `seen` is what was told apart so far; those who share a series share it, and so the bound.
 */
export function boundedLabel(seen: Set<string>, max: number): (text: string) => string {
  return (text) => {
    if (seen.has(text)) return text;
    if (seen.size < max) return remember(seen, labelText(text));
    const label = labelText(text);
    return seen.has(label) ? label : OTHER;
  };
}

function remember(seen: Set<string>, label: string): string {
  seen.add(label);
  return label;
}

/** A text as a label value: of bounded length, and free of lone surrogates, which all turn into the same character on the wire. */
export function labelText(text: string): string {
  const units = String(text).slice(0, 2 * MAX_LABEL_LENGTH + 1);
  const characters = Array.from(units, (character) => (LONE.test(character) ? '\uFFFD' : character));
  if (characters.length > MAX_LABEL_LENGTH) characters.splice(MAX_LABEL_LENGTH - 1, Infinity, '…');
  return characters.join(''); // a string of its own: a slice would keep all of the long one in memory
}

const LONE = /^\p{Surrogate}$/u;
