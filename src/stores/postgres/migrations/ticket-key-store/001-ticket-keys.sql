-- Unlogged: in no WAL, replica or base backup. Vacuumed as soon as a row is gone, so that no old version of it stays.
CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_ticket_keys" (
  name text COLLATE "C" PRIMARY KEY,
  sealed text NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_ticket_keys', 1) ON CONFLICT DO NOTHING;
