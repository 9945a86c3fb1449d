-- A key is set to null before its row goes. Old versions of the row stay until VACUUM, and in the WAL.
CREATE TABLE IF NOT EXISTS "xlink_wrapping_keys" (
  id text COLLATE "C" PRIMARY KEY,
  key text
);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_wrapping_keys', 1) ON CONFLICT DO NOTHING;
