/**
 * A name that strangers may have chosen, fit to be read: what cannot be seen, or would turn a line around, is shown as
 * `�`, and beyond `maxCharacters` it is cut.
 */
export function readable(text: string, maxCharacters: number): string {
  const start = text.slice(0, 2 * maxCharacters + 2); // in UTF-16 a character takes two units at most
  const characters = [...start.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '\uFFFD')];
  return characters.length <= maxCharacters && start.length === text.length
    ? characters.join('')
    : `${characters.slice(0, maxCharacters - 1).join('')}…`;
}
