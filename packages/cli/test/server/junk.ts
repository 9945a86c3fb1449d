import type { Schema } from '@private.me/xlink/http-api';
import type { Route } from '../../src/server/route.js';
import { ROUTES } from '../../src/server/routes/index.js';

/** Numbers from 0 to below 1 that a seed decides (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Anything but what is expected, and sometimes that. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  '',
  ' ',
  'x',
  '\u0000',
  '\ud800',
  '../../etc/passwd',
  "'; DROP TABLE xlink_server; --",
  '$' + '{jndi:ldap://x}',
  '<script>',
  'did:key:z6Mk',
  'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK',
  '__proto__',
  'constructor',
  'a'.repeat(5000),
  [],
  [[[[[]]]]],
  {},
  { __proto__: null, toString: 1 },
  { length: 1e9 },
];

export interface Junk {
  readonly route: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** One call of a route of the table, more or less as it should not be. `known`: DIDs that are there. */
export function junkFor(route: Route, random: () => number, known: readonly string[]): Junk {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const isRare = (share: number) => random() < share;
  const value = (schema: Schema | undefined, depth = 0): unknown =>
    !schema || depth > 6 || isRare(0.2) ? pick(STRANGE) : good(schema, depth);

  function good(schema: Schema, depth: number): unknown {
    if (schema.enum) return pick(schema.enum);
    if (schema.oneOf) return value(pick(schema.oneOf), depth + 1);
    if (schema.type === 'object') {
      const names = Object.keys(schema.properties ?? {}).filter(() => !isRare(0.2));
      const members = names.map((name) => [name, value(schema.properties![name], depth + 1)]);
      return Object.fromEntries(isRare(0.1) ? [...members, [pick(['extra', '__proto__']), 1]] : members);
    }
    if (schema.type === 'array')
      return Array.from({ length: Math.floor(random() * 4) }, () => value(schema.items, depth + 1));
    if (schema.type === 'integer') return Math.floor(random() * 2000);
    if (schema.type === 'boolean') return isRare(0.5);
    return text(schema);
  }

  function text({ pattern = '', minLength = 1 }: Schema): string {
    if (pattern.startsWith('^did:key')) return pick(known);
    const [, length] = /^\^\[A-Za-z0-9_-\]\{(\d+)/.exec(pattern) ?? [];
    if (length !== undefined) return 'A'.repeat(Number(length));
    if (pattern.startsWith('^https?')) return 'https://a.example/x';
    if (pattern.startsWith('^XLK-')) return 'XLK-abcdefghijklmnopqrstuvwx';
    return 'a'.repeat(Math.max(minLength, 1 + Math.floor(random() * 20)));
  }

  const part = (schema: Schema | undefined) => {
    const made = value(schema);
    const plain = typeof made === 'string' ? made : JSON.stringify(made);
    return isRare(0.05) ? pick(['%', '%00', '%ff', '..', '.', '%2e%2e', '']) : encoded(plain.slice(0, 600));
  };
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => part(route.params?.[name]));
  const query = Object.entries(route.query ?? {})
    .filter(() => isRare(0.7))
    .map(([name, schema]) => `${name}=${part(schema)}`);
  if (isRare(0.1)) query.push(pick(['x=1', '&&&', 'from=1&from=2', '=', '%']));
  const method = isRare(0.1)
    ? pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])
    : route.method;
  const hasBody =
    method !== 'GET' && method !== 'HEAD' && (route.body ?? route.bodyType ?? (isRare(0.2) || undefined));
  const body = hasBody ? bodyText() : undefined;
  const type = isRare(0.1)
    ? pick([
        'text/plain',
        'application/json;charset=latin1',
        'multipart/form-data',
        'application/xlink-envelope',
        '',
      ])
    : (route.bodyType ?? 'application/json');
  return {
    route: route.id,
    method,
    target: path + (query.length > 0 ? `?${query.join('&')}` : ''),
    headers: body === undefined ? {} : { 'content-type': type },
    body,
  };

  function bodyText(): string {
    if (isRare(0.1))
      return pick([
        '',
        '{',
        '[',
        'null',
        '"',
        '{"a":',
        '\u0000',
        `${'['.repeat(2000)}`,
        `{"a":${'1'.repeat(400)}}`,
      ]);
    return JSON.stringify(value(route.body ?? { type: 'object' })) ?? 'undefined';
  }
}

function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return '%EF%BF%BD'; // half of a character
  }
}

/** Every route in turn. */
export function* junk(count: number, random: () => number, known: readonly string[]): Generator<Junk> {
  for (let n = 0; n < count; n++) yield junkFor(ROUTES[n % ROUTES.length]!, random, known);
}
