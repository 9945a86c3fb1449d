/** The same text with another character at this place; by default the first, -1 is the last. */
export function changed(text: string, at = 0): string {
  const place = at < 0 ? text.length + at : at;
  const other = text[place] === 'A' ? 'B' : 'A';
  return text.slice(0, place) + other + text.slice(place + 1);
}
