import { ERROR_TABLE } from './sources.mjs';

const ids = Object.keys(ERROR_TABLE);

/**
 * A matcher for all errors of some families: `LOOKUP_FAILED` stands for itself and for every `LOOKUP_FAILED:…`.
 * Throws for a family that has no error, so that a renamed error cannot silence a query.
 * @param {...string} families
 */
export function reasonIn(...families) {
  const found = families.flatMap((family) => {
    const members = ids.filter((id) => id === family || id.startsWith(`${family}:`));
    if (members.length === 0) throw new Error(`${family} is no error of the table`);
    return members;
  });
  return `reason=~"${found.join('|')}"`;
}

/**
 * A matcher for exactly these errors.
 * @param {...keyof typeof ERROR_TABLE} exact
 */
export function reasonIs(...exact) {
  for (const id of exact) if (!ids.includes(id)) throw new Error(`${id} is no error of the table`);
  return exact.length === 1 ? `reason="${exact[0]}"` : `reason=~"${exact.join('|')}"`;
}

/** What says that an envelope did not check out: it was changed, made for others, or signed by an unknown DID. */
export const VERIFICATION = reasonIn(
  'VERIFICATION_FAILED',
  'DECRYPT_FAILED',
  'KEY_RECORD_INVALID',
  'KEY_RECORD_ROLLED_BACK',
  'KEY_RECORD_DOWNGRADED',
  'RECIPIENT_MISMATCH',
  'VERSION_TOO_LOW',
  'TIMESTAMP_EXPIRED',
  'REQUEST_BINDING_MISMATCH',
  'CONTENT_DIGEST_MISMATCH',
  'CONTENT_TYPE_MISMATCH',
);

/** What says that something this API depends on is down; nothing is accepted meanwhile. */
export const OUTAGE = reasonIn(
  'NONCE_STORE_UNAVAILABLE',
  'LOOKUP_FAILED',
  'CLIENT_STORE_UNAVAILABLE',
  'KEY_STORE_UNAVAILABLE',
  'KEY_VALIDATOR_FAILED',
);

/** The nonce store is down or full for all. A cold start passes by itself, and a quota is one sender's. */
export const NONCE_STORE_DOWN = reasonIs('NONCE_STORE_UNAVAILABLE', 'NONCE_STORE_UNAVAILABLE:FULL');
