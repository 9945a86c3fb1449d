/** The path of a target: without scheme and host (RFC 9112 section 3.2.2: servers take the absolute form), query and fragment. */
export const pathOf = (target: string): string =>
  target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/\\?#]*/i, '').split(/[?#]/)[0]!;

/** What routers read in more than one way: encoding, parameters, backslashes, empty segments, and dots. */
const AMBIGUOUS = /[%;\\]|\/[/.]/;

/** What one router does to a path and another does not, in the order in which they do it. */
const STEPS: readonly ((path: string) => readonly string[])[] = [
  withoutParameters,
  (path) => [eachSegment(path, decodeSegment), eachSegment(path, decode)],
  withoutParameters,
  (path) => [path, path.replaceAll('\\', '/')],
  (path) => [path, merged(path)],
  (path) => [path, withoutDots(path)],
  (path) => [path, merged(path)],
];

/**
 * Every way in which a router may read a path, without regard to case and one trailing slash. Of most paths there is one; of the others
 * the strictest is to count, so that a path can neither walk around a strict rule nor borrow what a lax one has.
 */
export function readingsOf(path: string): readonly string[] {
  let readings: ReadonlySet<string> = new Set([path]);
  if (AMBIGUOUS.test(path)) for (const step of STEPS) readings = new Set([...readings].flatMap(step));
  return [...new Set([...readings].map(ending))];
}

function ending(path: string): string {
  const plain = path.toLowerCase() || '/';
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain;
}

/** `;` may begin the parameters of a segment, or of the whole path, or be a character as any other. */
function withoutParameters(path: string): readonly string[] {
  const first = path.indexOf(';');
  return first < 0 ? [path] : [path, path.slice(0, first), path.replace(/;[^/\\]*/g, '')];
}

const merged = (path: string): string => path.replace(/\/{2,}/g, '/');

/** RFC 3986 section 5.2.4. */
function withoutDots(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') segments.pop();
    else if (segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

const eachSegment = (path: string, change: (segment: string) => string): string =>
  path.split('/').map(change).join('/');

function decodeSegment(segment: string): string {
  const plain = decode(segment);
  return /[/\\]/.test(plain) ? segment : plain;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
