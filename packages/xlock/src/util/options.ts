import { XlockError } from '../errors.js';

/** Throws `INVALID_OPTION` for a name that is not among `known`, with the nearest one. */
export function checkNames(owner: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidOption('options', `${owner} takes an object of options: ${known.join(', ')}.`);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = known.find((one) => isNear(one, name));
    const hint = near ? `did you mean ${near}?` : `there are ${known.join(', ')}.`;
    throw invalidOption(name, `${owner}: there is no option ${name}; ${hint}`);
  }
}

/** Throws `INVALID_OPTION` unless the value is absent or `isGood`; `what` says what it must be. */
export function checkValue<T>(
  owner: string,
  name: string,
  value: T | undefined,
  isGood: (value: T) => boolean,
  what: string,
): void {
  if (value !== undefined && !isGood(value)) throw invalidOption(name, `${owner}: ${name} must be ${what}.`);
}

/** An `INVALID_OPTION` that says what is wrong. */
export const invalidOption = (field: string, hint: string): XlockError =>
  new XlockError('INVALID_OPTION', { field, resolution: hint });

/** Whether one letter more, less or other makes one of the other, or only capitals and `_` differ. */
function isNear(one: string, other: string): boolean {
  const a = one.toLowerCase();
  const b = other.replace(/[-_]/g, '').toLowerCase();
  if (a === b || a.startsWith(b) || b.startsWith(a)) return true;
  if (Math.abs(a.length - b.length) > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const shift = a.length - b.length;
  return a.slice(at + (shift >= 0 ? 1 : 0)) === b.slice(at + (shift <= 0 ? 1 : 0));
}

export const isFunction = (value: unknown): boolean => typeof value === 'function';
export const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
export const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
export const hasMethods =
  (...names: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
export const integerIn =
  (min: number, max: number) =>
  (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
