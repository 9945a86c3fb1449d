-- A role that may insert rows may not use the sequence of a bigserial column; that of an identity column needs no right.
ALTER TABLE "xlink_clients_dids" ALTER COLUMN nr DROP IDENTITY IF EXISTS;
ALTER TABLE "xlink_clients_dids" ALTER COLUMN nr DROP DEFAULT;
DROP SEQUENCE IF EXISTS "xlink_clients_dids_nr_seq";
ALTER TABLE "xlink_clients_dids" ALTER COLUMN nr ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(
  pg_get_serial_sequence('"xlink_clients_dids"', 'nr'),
  (SELECT coalesce(max(nr), 0) + 1 FROM "xlink_clients_dids"),
  false
);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_clients', 2) ON CONFLICT DO NOTHING;
