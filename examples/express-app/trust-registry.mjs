import { err, MemoryTrustRegistry, ok, xlinkError } from '@private.me/xlink';

/**
 * @typedef {import('@private.me/xlink').Registration} Registration
 * @typedef {import('@private.me/xlink').RegistryEntry} RegistryEntry
 * @typedef {import('@private.me/xlink').KeyRecord} KeyRecord
 * @typedef {import('@private.me/xlink').TrustRegistry} TrustRegistry
 */

/**
 * The trust registry as a table. It is asked at every request, so a revocation counts from the next one on.
 * What may go in (well-formed DIDs, key records that their DID signed, newer ones in the place of older ones) is judged
 * by the registry of the package.
 * @implements {TrustRegistry}
 */
export class SqlTrustRegistry {
  #database;

  /** @param {import('./database.mjs').Database} database */
  constructor(database) {
    this.#database = database;
  }

  /**
   * @param {string} did
   * @returns {RegistryEntry | undefined}
   */
  lookup(did) {
    const row = this.#database.get('SELECT status, entry FROM identities WHERE did = ?', did);
    return row ? { ...JSON.parse(String(row.entry)), did, status: row.status } : undefined;
  }

  /**
   * @param {Registration} entry
   * @param {string | null} customerId whom the identity acts for; an adapter that enrolls it says so in `name`
   */
  async register(entry, customerId = entry.name ?? null) {
    const checked = await new MemoryTrustRegistry().register(entry);
    if (!checked.ok) return checked;
    const { changes } = this.#database.run(
      `INSERT INTO identities (did, customer_id, status, entry, created_at) VALUES (?, (SELECT id FROM customers WHERE id = ?), 'active', ?, ?)
       ON CONFLICT DO NOTHING`,
      [entry.did, customerId, JSON.stringify(entry), Date.now()],
    );
    return changes === 1 ? ok(undefined) : err(xlinkError('REGISTRATION_FAILED:ALREADY_REGISTERED'));
  }

  /** @param {KeyRecord} keys */
  async updateKeys(keys) {
    const entry = this.lookup(keys.did);
    if (!entry) return err(xlinkError('LOOKUP_FAILED:DID_NOT_IN_REGISTRY'));
    const rules = new MemoryTrustRegistry();
    await rules.register(entry);
    const updated = await rules.updateKeys(keys);
    if (updated.ok)
      this.#database.run('UPDATE identities SET entry = ? WHERE did = ?', [
        JSON.stringify({ ...rules.lookup(keys.did), revision: undefined }), // nobody counts changes here
        keys.did,
      ]);
    return updated;
  }

  /**
   * For good. Whether there was anything to revoke.
   * @param {string} did
   */
  revoke(did) {
    return this.#database.run("UPDATE identities SET status = 'revoked' WHERE did = ?", did).changes === 1;
  }
}
