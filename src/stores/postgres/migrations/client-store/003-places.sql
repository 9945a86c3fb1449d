-- A client's DIDs have places of their own, so that no two that are enrolled at once take the same one; see client-sql.ts.
ALTER TABLE "xlink_clients" ADD COLUMN IF NOT EXISTS revoked_since bigint;
ALTER TABLE "xlink_clients_dids" ADD COLUMN IF NOT EXISTS valid_until bigint;
ALTER TABLE "xlink_clients_dids" ADD COLUMN IF NOT EXISTS place bigint;
UPDATE "xlink_clients_dids" AS d SET place = numbered.place
FROM (SELECT id, row_number() OVER (PARTITION BY client_id ORDER BY nr) AS place FROM "xlink_clients_dids") AS numbered
WHERE numbered.id = d.id AND d.place IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS "xlink_clients_dids_place" ON "xlink_clients_dids" (client_id, place);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_clients', 3) ON CONFLICT DO NOTHING;
