import { xlinkError } from '../errors/errors.js';
import { distance } from './distance.js';

/** Says what a value must be, or `undefined` if it is that. */
export type OptionCheck = (value: unknown) => string | undefined;

/** One check for every option there is: the compiler refuses a map that forgets one. */
export type OptionChecks<T> = { readonly [K in keyof Required<T>]: OptionCheck };

/**
 * Throws `INVALID_OPTION` for an unknown key (with the nearest known one as a suggestion) or a wrong value.
 * A value of `undefined` counts as absent.
 */
export function checkOptions<T extends object>(owner: string, options: T, checks: OptionChecks<T>): void {
  checkKeys(owner, options, Object.keys(checks));
  for (const key of Object.keys(options) as (keyof T & string)[]) {
    const value = options[key];
    const complaint = value === undefined ? undefined : checks[key](value);
    if (complaint) fail(owner, key, `${key} must be ${complaint}${key.endsWith('Ms') ? ', in ms' : ''}.`);
  }
}

/** Throws `INVALID_OPTION` for a key that is not among `known`; for objects whose values are checked elsewhere. */
export function checkKeys(owner: string, options: object, known: readonly string[]): void {
  if (isObject(options)) fail(owner, 'options', `takes an object of options: ${known.join(', ')}.`);
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) fail(owner, unknown, suggestion(unknown, known));
}

/** Throws `INVALID_OPTION` for options that do not exist here but may be looked for; `instead` says what to do in their place. */
export function refuseOptions(
  owner: string,
  options: object,
  instead: Readonly<Record<string, string>>,
): void {
  for (const [key, text] of Object.entries(instead))
    if (Object.hasOwn(Object(options), key)) fail(owner, key, `there is no option ${key}: ${text}.`);
}

/** Throws `INVALID_OPTION` if the option is absent. */
export function requireOption(owner: string, options: object, key: string): void {
  if ((options as Record<string, unknown>)[key] === undefined) fail(owner, key, `${key} is required.`);
}

export const isBoolean: OptionCheck = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
export const isFunction: OptionCheck = (value) => (typeof value === 'function' ? undefined : 'a function');
/** What is asked in the midst of a decision. A promise would be taken for its answer. */
export const isPromptFunction: OptionCheck = (value) =>
  typeof value === 'function' && value.constructor?.name !== 'AsyncFunction'
    ? undefined
    : 'a function, not async';
export const isString: OptionCheck = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'a non-empty string';
/** Of a Map, a Date or an array the members would not be seen, and the option would do nothing. */
export const isObject: OptionCheck = (value) =>
  typeof value === 'object' && value && !(Symbol.iterator in value || value instanceof Date)
    ? undefined
    : 'an object';
export const isBytes: OptionCheck = (value) => (value instanceof Uint8Array ? undefined : 'a Uint8Array');
export const isDate: OptionCheck = (value) =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : 'a valid Date';
export const anything: OptionCheck = () => undefined;

export const isStringArray: OptionCheck = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? undefined : 'an array of strings';

export const integerIn =
  (min: number, max: number): OptionCheck =>
  (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `a whole number from ${min} to ${max}`;

export const oneOf =
  (...allowed: readonly string[]): OptionCheck =>
  (value) =>
    allowed.includes(value as string) ? undefined : `one of ${allowed.join(', ')}`;

/** An object with these methods, such as a store or a registry. */
export const hasMethods =
  (...names: readonly string[]): OptionCheck =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
      ? undefined
      : `an object with ${names.map((name) => `${name}()`).join(', ')}`;

function fail(owner: string, field: string, text: string): never {
  throw xlinkError('INVALID_OPTION', { field, hint: `${owner}: ${text}` });
}

/** What to say of a name that is unknown: the nearest known one, or all. */
export function suggestion(key: string, known: readonly string[], what = 'option'): string {
  const nearest = nearestOf(key, known);
  return nearest === undefined
    ? `there is no ${what} ${key}; known are ${known.join(', ')}.`
    : `there is no ${what} ${key}; did you mean ${nearest}?`;
}

/** The known name that was probably meant: up to two letters apart, or a third of them. */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  const nearest = known
    .map((one) => [distance(name.toLowerCase(), one.toLowerCase()), one] as const)
    .sort((a, b) => a[0] - b[0])[0];
  return nearest && nearest[0] <= Math.max(2, name.length / 3) ? nearest[1] : undefined;
}
