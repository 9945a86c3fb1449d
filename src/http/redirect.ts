/**
 * Where an answer points to: a URL of the same origin; `null` if it is elsewhere, or in a browser, which does not tell;
 * `undefined` if nowhere.
 */
export function redirectOf({ type, status, headers }: Response, from: URL): URL | null | undefined {
  const location = [301, 302, 303, 307, 308].includes(status) ? headers.get('location') : null;
  if (location === null) return type === 'opaqueredirect' ? null : undefined;
  const url = URL.canParse(location, from) ? new URL(location, from) : null;
  return url?.origin === from.origin ? url : null;
}
