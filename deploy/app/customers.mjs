// The API keys as they were before xLink: in a table, hashed.
import { createHash, randomBytes } from 'node:crypto';

/** Keys are random, so one round is enough: there is nothing to guess. @param {string} apiKey */
const hashOf = (apiKey) => createHash('sha256').update(apiKey).digest('hex');

/**
 * @param {import('pg').Pool} pool
 * @param {string} apiKey
 * @returns {Promise<{ clientId: string; scopes: string[] } | null>}
 */
export async function findCustomer(pool, apiKey) {
  const { rows } = await pool.query({
    name: 'find-customer',
    text: 'SELECT client_id AS "clientId", scopes FROM customers WHERE key_hash = $1',
    values: [hashOf(apiKey)],
  });
  return rows[0] ?? null;
}

/**
 * The key is nowhere but in the answer.
 * @param {import('pg').Pool} pool
 * @param {string} clientId
 * @param {readonly string[]} scopes
 */
export async function addCustomer(pool, clientId, scopes) {
  const apiKey = `sk_${randomBytes(24).toString('base64url')}`;
  const values = [hashOf(apiKey), clientId, scopes];
  await pool.query('INSERT INTO customers (key_hash, client_id, scopes) VALUES ($1, $2, $3)', values);
  return apiKey;
}

/**
 * Several instances may do it at once: these statements are one transaction, and one instance at a time is in it.
 * @param {import('pg').Pool} pool
 */
export async function createCustomers(pool) {
  await pool.query(`SELECT pg_advisory_xact_lock(hashtext('customers'));
    CREATE TABLE IF NOT EXISTS customers (
      key_hash text PRIMARY KEY,
      client_id text NOT NULL,
      scopes text[] NOT NULL
    )`);
}
