import { decodeDidKey } from '@private.me/xlink';

/** What members of statements must be, wherever they come from. */
export const isScopeList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.length <= 64 &&
  new Set(value).size === value.length &&
  value.every(
    (scope) =>
      typeof scope === 'string' && (scope === '*' || /^[A-Za-z0-9][A-Za-z0-9:._/-]{0,127}$/.test(scope)),
  );

export const isClassName = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,63}$/.test(value);

export const isTime = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

export function isDid(value: unknown): value is string {
  try {
    decodeDidKey(value as string);
    return true;
  } catch {
    return false;
  }
}

/** Whether all of these scopes are among those that may be granted; `*` allows any. */
export const areAmong = (scopes: readonly string[], allowed: readonly string[]): boolean =>
  allowed.includes('*') || scopes.every((scope) => allowed.includes(scope));
