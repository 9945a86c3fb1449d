/** A JSON Schema (2020-12) as an object of JSON values. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** Members whose values are schemas by name, and members whose values are data that only looks like schemas. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
const DATA = new Set(['const', 'enum', 'default', 'examples', 'example', 'required', 'dependentRequired']);
const REFERENCES = new Set(['$ref', '$dynamicRef', '$recursiveRef']);

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whether a JSON value is nested deeper than `max`; a scalar has depth 0. Walks without recursion: what comes may be as deep as it is long. */
export function isDeeperThan(value: unknown, max: number): boolean {
  let level = isContainer(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === max) return true;
    level = level.flatMap((each) => Object.values(each).filter(isContainer));
  }
  return false;
}

/** The same schema with its references changed; what is data stays. */
export function mapReferences(schema: unknown, change: (reference: string) => string): unknown {
  if (Array.isArray(schema)) return schema.map((each) => mapReferences(each, change));
  if (!isContainer(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (REFERENCES.has(key) && typeof value === 'string') return [key, change(value)];
      if (DATA.has(key)) return [key, value];
      const byName = NAMED.has(key) && isContainer(value) && !Array.isArray(value);
      return [key, byName ? mapValues(value, change) : mapReferences(value, change)];
    }),
  );
}

const mapValues = (schemas: object, change: (reference: string) => string) =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, mapReferences(schema, change)]));

/**
 * Whether a schema refers to anything outside of itself, which a consumer would go and fetch, or has an address of its own, as `$id` or as the `id` of
 * draft 4.
 */
export function refersElsewhere(schema: unknown): boolean {
  const values: { readonly value: unknown; readonly isData: boolean }[] = [{ value: schema, isData: false }];
  for (let at = 0; at < values.length; at++) {
    const { value, isData } = values[at]!;
    if (!isContainer(value)) continue;
    for (const [key, each] of Object.entries(value)) {
      const isReference = REFERENCES.has(key) || key === '$id' || key === '$schema';
      if (isReference && typeof each === 'string' && !isLocal(key, each)) return true;
      if (key === 'id' && !isData && typeof each === 'string' && /^[a-z][a-z\d+.-]*:|^[\\/]{2}/i.test(each))
        return true;
      values.push({ value: each, isData: isData || DATA.has(key) });
    }
  }
  return false;
}

/** The names of the drafts stand for what validators have on board. */
const isLocal = (key: string, text: string): boolean =>
  key === '$schema' ? /^https?:\/\/json-schema\.org\//.test(text) : text.startsWith('#');
