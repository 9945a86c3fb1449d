import type { Captured } from './capture.js';
import type { Comparison, Difference } from './comparison.js';
import { type DiffRules, diffJson } from './json-diff.js';
import type { CompareOptions } from './options.js';

/** What was seen of an answer. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Captured;
}

/** The rules, with their defaults. */
export type CompareRules = Required<CompareOptions>;

/** Fills in the defaults. */
export const compareRules = (options: CompareOptions = {}): CompareRules => ({
  headers: (options.headers ?? ['content-type', 'location', 'retry-after']).map((name) => name.toLowerCase()),
  ignore: options.ignore ?? [],
  reveal: options.reveal ?? [],
  maxBytes: options.maxBytes ?? 256 * 1024,
});

/** What differs, and how far the bodies were compared. */
export function compareAnswers(
  legacy: Seen,
  modern: Seen,
  rules: CompareRules,
): Pick<Comparison, 'differences' | 'body'> {
  const differences: Difference[] = [];
  if (legacy.status !== modern.status)
    differences.push({
      at: 'status',
      kind: 'changed',
      legacy: String(legacy.status),
      modern: String(modern.status),
    });
  for (const name of rules.headers) {
    const [one, other] = [legacy, modern].map(({ headers }) => comparable(name, headers.get(name)));
    if (one === other) continue;
    const kind = other === null ? 'missing' : one === null ? 'extra' : 'changed';
    // A media type is no secret; what other headers hold may be one.
    const show = (value: string | null | undefined) =>
      value ? (name === 'content-type' ? value.slice(0, 64) : `string(${value.length})`) : '-';
    differences.push({ at: `header:${name}`, kind, legacy: show(one), modern: show(other) });
  }
  const { body, found } = compareBodies(legacy, modern, rules);
  return { differences: [...differences, ...found], body };
}

const comparable = (name: string, value: string | null): string | null =>
  value !== null && name === 'content-type' ? value.split(';')[0]!.trim().toLowerCase() : value;

function compareBodies(
  legacy: Seen,
  modern: Seen,
  rules: DiffRules,
): { body: Comparison['body']; found: Difference[] } {
  if (legacy.body.isCut || modern.body.isCut) return { body: 'large', found: [] };
  const [one, other] = [legacy.body.bytes, modern.body.bytes];
  if (one.length === 0 && other.length === 0) return { body: 'none', found: [] };
  const values = [legacy, modern].map(jsonOf);
  if (values[0] && values[1])
    return { body: 'json', found: diffJson(values[0].value, values[1].value, rules) };
  const isSame = one.length === other.length && one.every((byte, at) => byte === other[at]);
  const difference = {
    at: 'body',
    kind: 'changed',
    legacy: `bytes(${one.length})`,
    modern: `bytes(${other.length})`,
  } as const;
  return { body: 'bytes', found: isSame ? [] : [difference] };
}

function jsonOf({ headers, body }: Seen): { readonly value: unknown } | undefined {
  if (!/[/+]json\b/i.test(headers.get('content-type') ?? '')) return undefined;
  try {
    return { value: JSON.parse(new TextDecoder().decode(body.bytes)) };
  } catch {
    return undefined;
  }
}
