import { CachedTrustRegistry, MemoryTrustRegistry } from '@private.me/xlink';
import { PostgresClientStore, PostgresTrustRegistry } from '@private.me/xlink/postgres';
import pg from 'pg';

/** Who may call: those in PostgreSQL, if there is one, else those in the settings. */
export async function knownCallers({ postgres, callers, cacheMs, timeoutMs }) {
  if (postgres) {
    const pool = new pg.Pool({ ...postgres, max: 10, connectionTimeoutMillis: timeoutMs });
    const stored = new PostgresTrustRegistry({ pool, timeoutMs, heartbeatMs: 500 });
    const registry = new CachedTrustRegistry({ registry: stored, ttlMs: cacheMs });
    return { registry, clients: new PostgresClientStore({ pool, timeoutMs }) };
  }
  const registry = new MemoryTrustRegistry();
  for (const keys of callers) {
    const registered = await registry.register({ did: keys.did, keys, sendScopes: ['orders:read'] });
    if (!registered.ok) throw registered.error;
  }
  return { registry };
}
