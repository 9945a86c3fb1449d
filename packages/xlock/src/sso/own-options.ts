import type { OperationsStore } from '@private.me/xlink';
import { isOrigin } from '../challenge/challenge.js';
import { assertLasting } from '../util/lasting.js';
import { checkValue, hasMethods, invalidOption } from '../util/options.js';
import type { XlockVerifier } from '../verifier/verifier.js';

/** Throws `INVALID_OPTION` unless a URL is below the origin that devices show, without a query, fragment or slash at its end. */
export function assertOwnUrl(owner: string, name: string, value: unknown, { origin }: XlockVerifier): void {
  const isGood =
    typeof value === 'string' &&
    URL.canParse(value) &&
    isOrigin(new URL(value).origin) &&
    /^https?:\/\/[^/?#\s]+(\/[\w.~-]+)*$/.test(value) &&
    new URL(value).href.replace(/\/$/, '') === value;
  if (!isGood)
    throw invalidOption(
      name,
      `${owner}: ${name} must be an https URL without a slash at its end, query or fragment.`,
    );
  if (new URL(value as string).origin !== origin)
    throw invalidOption(
      name,
      `${owner}: ${name} must be below the origin of the verifier, which devices show.`,
    );
}

/** Throws `INVALID_OPTION` for what is no store, and for none at all in production. */
export function assertStore(owner: string, store: OperationsStore | undefined): void {
  checkValue(
    owner,
    'store',
    store as unknown,
    hasMethods('load', 'list', 'save', 'remove'),
    'an OperationsStore',
  );
  assertLasting(owner, 'store', store);
}
