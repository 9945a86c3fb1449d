/** Whether a header, by its lower-case name, is one of `names`; `*` at the end of one stands for anything. */
export function headerMatcher(names: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.map((name) => name.toLowerCase()));
  const prefixes = [...exact].filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
