import { createHash, randomBytes } from 'node:crypto';

// The API keys of an API as it was before xLink: nothing in here knows of it.

/** A last use is written down at most this often: a read should not cost a write. */
const LAST_USE_PRECISION_MS = 1000;

/** @param {string} apiKey */
const hashOf = (apiKey) => createHash('sha256').update(apiKey).digest('hex');

/**
 * A new key. It is shown once; only its hash is kept.
 * @param {import('./database.mjs').Database} database
 * @param {string} customerId
 * @param {readonly string[]} scopes
 */
export function issueApiKey(database, customerId, scopes) {
  const apiKey = `sk_${randomBytes(16).toString('base64url')}`;
  database.run('INSERT INTO api_keys (hash, customer_id, scopes, created_at) VALUES (?, ?, ?, ?)', [
    hashOf(apiKey),
    customerId,
    JSON.stringify(scopes),
    Date.now(),
  ]);
  return apiKey;
}

/**
 * Whose key this is and what it may do; `null` for an unknown key. Looked up by hash, so how long it takes says
 * nothing about the key.
 * @param {import('./database.mjs').Database} database
 * @param {string} apiKey
 */
export function findApiKey(database, apiKey) {
  const hash = hashOf(apiKey);
  const row = database.get('SELECT customer_id, scopes FROM api_keys WHERE hash = ?', hash);
  if (!row) return null;
  const now = Date.now();
  database.run('UPDATE api_keys SET last_used_at = ? WHERE hash = ? AND last_used_at < ?', [
    now,
    hash,
    now - LAST_USE_PRECISION_MS,
  ]);
  return { customerId: String(row.customer_id), scopes: JSON.parse(String(row.scopes)) };
}
