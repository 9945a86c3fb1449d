import type { Difference } from './comparison.js';

/** More differences of one answer are not listed. */
export const MAX_DIFFERENCES = 50;
/** Deeper is compared as text: no answer may exhaust the stack. */
const MAX_DEPTH = 100;

/** Which paths do not count, and whose values may be shown. */
export interface DiffRules {
  readonly ignore: readonly string[];
  readonly reveal: readonly string[];
}

/** The differences of two JSON values, at most 50. */
export function diffJson(legacy: unknown, modern: unknown, rules: DiffRules): Difference[] {
  const ignore = rules.ignore.map(tokensOf);
  const reveal = rules.reveal.map(tokensOf);
  const found: Difference[] = [];
  walk(legacy, modern, []);
  return found;

  function walk(one: unknown, other: unknown, path: readonly string[]): void {
    if (found.length >= MAX_DIFFERENCES || ignore.some((rule) => matches(rule, path))) return;
    const kind = kindOf(one);
    if (kind !== kindOf(other)) {
      add('type', one, other, path);
      return;
    }
    if (kind !== 'object' && kind !== 'array') {
      if (!Object.is(one, other)) add('changed', one, other, path);
      return;
    }
    if (path.length >= MAX_DEPTH) {
      if (textOf(one) !== textOf(other)) add('changed', one, other, path);
      return;
    }
    const left = one as Record<string, unknown>;
    const right = other as Record<string, unknown>;
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      if (found.length >= MAX_DIFFERENCES) return;
      const next = [...path, name];
      if (!Object.hasOwn(right, name)) add('missing', left[name], undefined, next);
      else if (!Object.hasOwn(left, name)) add('extra', undefined, right[name], next);
      else walk(left[name], right[name], next);
    }
  }

  function add(kind: Difference['kind'], one: unknown, other: unknown, path: readonly string[]): void {
    if (ignore.some((rule) => matches(rule, path))) return;
    const isShown = reveal.some((rule) => matches(rule, path));
    const show = (value: unknown) => (isShown ? shown(value) : redacted(value));
    found.push({ at: pointerOf(path), kind, legacy: show(one), modern: show(other) });
  }
}

/** A pointer matches the path itself, and all below it. */
const matches = (rule: readonly string[], path: readonly string[]): boolean =>
  rule.length <= path.length && rule.every((token, at) => token === '*' || token === path[at]);

const tokensOf = (pointer: string): string[] =>
  pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Names that look like those of a schema are kept; what may be data, such as a mail address as a name, is not. */
const pointerOf = (path: readonly string[]): string =>
  path.length === 0 ? 'body' : path.map((token) => `/${safeName(token)}`).join('');

const safeName = (token: string): string =>
  /^(\d{1,4}|[A-Za-z_$][A-Za-z_-]{0,47}\d{0,2})$/.test(token) ? token : `<name(${token.length})>`;

/** `JSON.parse` takes what `JSON.stringify` may find too deep; then the two count as different unless both are. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'too deep';
  }
}

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/** Type and size of a value, and nothing of it. */
export function redacted(value: unknown): string {
  if (value === undefined) return '-';
  if (typeof value === 'string') return `string(${value.length})`;
  if (Array.isArray(value)) return `array(${value.length})`;
  if (typeof value === 'object' && value !== null) return `object(${Object.keys(value).length})`;
  return value === null ? 'null' : typeof value;
}

const shown = (value: unknown): string =>
  typeof value === 'object' || value === undefined ? redacted(value) : JSON.stringify(value).slice(0, 64);
