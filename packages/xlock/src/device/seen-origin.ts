/** Whether what a user reads in the address bar is of an origin: it may lack the scheme, and end with a slash or path. */
export function isSeen(seen: string, origin: string): boolean {
  const text = seen.trim().toLowerCase();
  const scheme = new URL(origin).protocol;
  const url = /^[a-z][a-z0-9+.-]*:\/\//.test(text) ? text : `${scheme}//${text}`;
  return URL.canParse(url) && new URL(url).origin === origin;
}
