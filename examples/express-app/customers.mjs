import { randomBytes } from 'node:crypto';

/** @typedef {import('./database.mjs').Database} Database */

/**
 * The id can be read: it is the name, with something random behind it if the name is taken.
 * @param {Database} database
 * @param {string} name
 */
export function createCustomer(database, name) {
  const slug =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 40) || 'customer';
  const id = findCustomer(database, slug) ? `${slug}-${randomBytes(6).toString('hex')}` : slug;
  database.run('INSERT INTO customers (id, name, created_at) VALUES (?, ?, ?)', [id, name, Date.now()]);
  return id;
}

/**
 * @param {Database} database
 * @param {string} id
 */
export function findCustomer(database, id) {
  const row = database.get('SELECT id, name FROM customers WHERE id = ?', id);
  return row && { id: String(row.id), name: String(row.name) };
}

/**
 * The customer that an identity acts for.
 * @param {Database} database
 * @param {string} did
 */
export function customerOfIdentity(database, did) {
  const now = Date.now();
  database.run('UPDATE identities SET last_used_at = ? WHERE did = ? AND last_used_at < ?', [
    now,
    did,
    now - 1000,
  ]);
  const row = database.get('SELECT customer_id FROM identities WHERE did = ?', did);
  return row?.customer_id ? findCustomer(database, String(row.customer_id)) : null;
}

/**
 * Who still uses a key, and who has moved: what an operator looks at before turning the keys off.
 * @param {Database} database
 */
export function migrationReport(database) {
  return database
    .all(
      `SELECT c.id, c.name,
              (SELECT max(last_used_at) FROM api_keys k WHERE k.customer_id = c.id)   AS lastKeyUse,
              (SELECT max(last_used_at) FROM identities i WHERE i.customer_id = c.id) AS lastXlinkUse
       FROM customers c ORDER BY c.created_at, c.id`,
    )
    .map(({ id, name, lastKeyUse, lastXlinkUse }) => ({
      id,
      name,
      lastKeyUse: isoTime(lastKeyUse),
      lastXlinkUse: isoTime(lastXlinkUse),
      moved: Number(lastXlinkUse ?? 0) > Number(lastKeyUse ?? 0),
    }));
}

/** @param {unknown} ms */
const isoTime = (ms) => (ms ? new Date(Number(ms)).toISOString() : null);
