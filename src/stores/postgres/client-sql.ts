import { tableName } from './table-name.js';

/** The statements of a {@link PostgresClientStore}, each of them a transaction of its own. */
export function clientSql(table: string) {
  const clients = tableName(table);
  const dids = tableName(table, '_dids');
  const batches = tableName(table, '_batches');
  const record = `json_build_object(
      'client', c.client,
      'dids', (SELECT coalesce(json_agg(d.did ORDER BY d.nr), '[]') FROM ${dids} d WHERE d.client_id = c.id),
      'keyRequests', c.key_requests,
      'xlinkRequests', c.xlink_requests,
      'signatureRequests', nullif(c.signature_requests, 0),
      'failures', c.failures,
      'lastKeyUse', c.last_key_use,
      'lastXlinkUse', c.last_xlink_use,
      'lastFailure', c.last_failure,
      'keyOffSince', c.key_off_since,
      'revokedSince', c.revoked_since,
      'validUntil', (
        SELECT json_object_agg(d.did, d.valid_until) FROM ${dids} d WHERE d.client_id = c.id AND d.valid_until IS NOT NULL
      )
    )::text AS json`;
  return {
    get: `SELECT ${record} FROM ${clients} c WHERE c.id = $1`,

    page: `SELECT c.id, ${record} FROM ${clients} c WHERE c.id > $1 ORDER BY c.id LIMIT $2`,

    clientOf: `SELECT c.client FROM ${dids} d JOIN ${clients} c ON c.id = d.client_id WHERE d.id = $1`,

    standingOf: `
      SELECT json_build_object('client', c.client, 'validUntil', d.valid_until, 'revokedSince', c.revoked_since)::text AS json
      FROM ${dids} d JOIN ${clients} c ON c.id = d.client_id WHERE d.id = $1`,

    /**
     * A row if the DID was free and its client has room. All who come at once want the first free place of the client, and
     * one of them gets it: the others find out anew whether there is another.
     */
    link: `
      WITH held AS (
        SELECT count(*) AS dids FROM ${dids} WHERE client_id = $3
      ), free AS (
        SELECT place FROM held, generate_series(1, held.dids + 1) AS series (place)
        WHERE held.dids < $5::bigint
          AND NOT EXISTS (SELECT FROM ${dids} d WHERE d.client_id = $3 AND d.place = series.place)
        ORDER BY place LIMIT 1
      ), linked AS (
        INSERT INTO ${dids} (id, did, client_id, place, valid_until) SELECT $1, $2, $3, place, $6::bigint FROM free
        ON CONFLICT DO NOTHING RETURNING client_id
      ), known AS (
        INSERT INTO ${clients} (id, client) SELECT client_id, $4 FROM linked ON CONFLICT (id) DO NOTHING
      )
      SELECT client_id FROM linked`,

    renew: `UPDATE ${dids} SET valid_until = $3::bigint WHERE id = $1 AND client_id = $2`,

    /** A row, with the client that it was linked to. */
    unlink: `
      WITH gone AS (DELETE FROM ${dids} WHERE id = $1 RETURNING client_id)
      SELECT c.client FROM gone JOIN ${clients} c ON c.id = gone.client_id`,

    /** In the order of ids, so that two of them never wait for each other. */
    add: `
      WITH fresh AS (
        INSERT INTO ${batches} (batch) VALUES ($1) ON CONFLICT (batch) DO NOTHING RETURNING batch
      )
      INSERT INTO ${clients} AS known
        (id, client, key_requests, xlink_requests, signature_requests, failures, last_key_use, last_xlink_use, last_failure)
      SELECT id, client, "keyRequests", "xlinkRequests", coalesce("signatureRequests", 0), failures,
        "lastKeyUse", "lastXlinkUse", "lastFailure"
      FROM jsonb_to_recordset($2::jsonb) AS activity (
        id text, client text, "keyRequests" bigint, "xlinkRequests" bigint, "signatureRequests" bigint, failures jsonb,
        "lastKeyUse" bigint, "lastXlinkUse" bigint, "lastFailure" bigint
      )
      WHERE EXISTS (SELECT FROM fresh)
      ORDER BY id COLLATE "C"
      ON CONFLICT (id) DO UPDATE SET
        key_requests = known.key_requests + excluded.key_requests,
        xlink_requests = known.xlink_requests + excluded.xlink_requests,
        signature_requests = known.signature_requests + excluded.signature_requests,
        failures = (
          SELECT coalesce(jsonb_object_agg(name, total), '{}') FROM (
            SELECT name, sum(count::bigint) AS total FROM (
              SELECT * FROM jsonb_each_text(known.failures) UNION ALL SELECT * FROM jsonb_each_text(excluded.failures)
            ) AS both_of (name, count) GROUP BY name
          ) AS sums
        ),
        last_key_use = GREATEST(known.last_key_use, excluded.last_key_use),
        last_xlink_use = GREATEST(known.last_xlink_use, excluded.last_xlink_use),
        last_failure = GREATEST(known.last_failure, excluded.last_failure)`,

    forget: `
      DELETE FROM ${batches} WHERE batch IN (
        SELECT batch FROM ${batches} WHERE added_at < now() - interval '1 day' LIMIT 10000 FOR UPDATE SKIP LOCKED
      )`,

    setKeyOff: `
      INSERT INTO ${clients} (id, client, key_off_since) VALUES ($1, $2, $3::bigint)
      ON CONFLICT (id) DO UPDATE SET key_off_since = excluded.key_off_since`,

    setRevoked: `
      INSERT INTO ${clients} (id, client, revoked_since) VALUES ($1, $2, $3::bigint)
      ON CONFLICT (id) DO UPDATE SET revoked_since = excluded.revoked_since`,
  } as const;
}
