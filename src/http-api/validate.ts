import type { Schema } from './schema.js';

/** Where a value is wrong, as `scopes[1]` or empty for the whole, and what it must be. Holds nothing of the value. */
export interface Fault {
  readonly at: string;
  readonly expected: string;
}

/** The first thing about a value that its schema does not let through; `undefined` if all is well. */
export function faultIn(schema: Schema, value: unknown, at = ''): Fault | undefined {
  if (schema.oneOf) return faultInOneOf(schema.oneOf, value, at);
  if (schema.enum && !schema.enum.includes(value as string))
    return { at, expected: `one of ${schema.enum.join(', ')}` };
  switch (schema.type) {
    case 'object':
      return faultInObject(schema, value, at);
    case 'array':
      return faultInArray(schema, value, at);
    case 'string':
      return faultInString(schema, value, at);
    case 'integer':
    case 'number':
      return faultInNumber(schema, value, at);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : { at, expected: 'true or false' };
    default:
      return undefined;
  }
}

function faultInOneOf(schemas: readonly Schema[], value: unknown, at: string): Fault | undefined {
  const faults = schemas.map((each) => faultIn(each, value, at));
  if (faults.includes(undefined)) return undefined;
  return { at, expected: faults.map((fault) => fault!.expected).join(', or ') };
}

function faultInObject(schema: Schema, value: unknown, at: string): Fault | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { at, expected: 'an object' };
  const { properties = {}, required = [], additionalProperties = false } = schema;
  const within = (name: string) => (at === '' ? name : `${at}.${name}`);
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return { at: within(missing), expected: 'given' };
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!known && additionalProperties === true) continue;
    if (!known && additionalProperties === false)
      return {
        at,
        expected: `an object of ${Object.keys(properties).join(', ') || 'no members'}${nameIn(name)}`,
      };
    const fault = faultIn(known ?? (additionalProperties as Schema), member, known ? within(name) : at);
    if (fault) return fault;
  }
  return undefined;
}

/** The caller's name of a member, where it is a plain word; others are not repeated. */
const nameIn = (name: string): string =>
  /^[A-Za-z][A-Za-z0-9_]{0,31}$/.test(name) ? `; ${name} is none of them` : '';

function faultInArray(schema: Schema, value: unknown, at: string): Fault | undefined {
  const { items = {}, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  if (!Array.isArray(value) || value.length < minItems || value.length > maxItems)
    return { at, expected: `an array of ${rangeText(minItems, maxItems)} items` };
  for (const [index, item] of value.entries()) {
    const fault = faultIn(items, item, `${at}[${index}]`);
    if (fault) return fault;
  }
  return undefined;
}

function faultInString(schema: Schema, value: unknown, at: string): Fault | undefined {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = schema;
  const length = typeof value === 'string' ? [...value].length : -1;
  if (length < minLength || length > maxLength)
    return { at, expected: `a string of ${rangeText(minLength, maxLength)} characters` };
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value as string))
    return { at, expected: schema.description ?? `a string that matches ${pattern}` };
  return undefined;
}

function faultInNumber(schema: Schema, value: unknown, at: string): Fault | undefined {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  const isKind = schema.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (isKind && (value as number) >= minimum && (value as number) <= maximum) return undefined;
  const kind = schema.type === 'integer' ? 'a whole number' : 'a number';
  return { at, expected: `${kind} ${boundsText(minimum, maximum)}`.trimEnd() };
}

const rangeText = (min: number, max: number): string =>
  max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;

const boundsText = (min: number, max: number): string =>
  [Number.isFinite(min) ? `from ${min}` : '', Number.isFinite(max) ? `to ${max}` : ''].join(' ').trim();
