// Generated from the .sql files in migrations/ by `node scripts/generate-postgres-migrations.mjs`; do not edit by hand.

/** The table of versions, which all stores share. */
export const SCHEMA_VERSION = {
  file: '000-schema-version.sql',
  sql: `CREATE TABLE IF NOT EXISTS "xlink_schema_version" (
  table_name text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (table_name, version)
);`,
};

/** The migrations of each store, oldest first: the one at index 0 makes version 1. Their tables have the default names. */
export const MIGRATIONS = {
  'audit-log': [
    {
      file: 'audit-log/001-audit.sql',
      sql: `CREATE TABLE IF NOT EXISTS "xlink_audit" (
  log text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  key text COLLATE "C" NOT NULL,
  commitment text COLLATE "C" NOT NULL,
  sealed text COLLATE "C" NOT NULL,
  mac text COLLATE "C" NOT NULL,
  PRIMARY KEY (log, seq)
);
CREATE TABLE IF NOT EXISTS "xlink_audit_heads" (
  log text COLLATE "C" PRIMARY KEY,
  size bigint NOT NULL DEFAULT 0,
  mac text COLLATE "C" NOT NULL DEFAULT '',
  checkpoint_size bigint NOT NULL DEFAULT 0,
  checkpoint text
);
CREATE TABLE IF NOT EXISTS "xlink_audit_keys" (
  log text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  wrapped text,
  PRIMARY KEY (log, id)
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_audit', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'client-store': [
    {
      file: 'client-store/001-clients.sql',
      sql: `CREATE TABLE IF NOT EXISTS "xlink_clients" (
  id text COLLATE "C" PRIMARY KEY,
  client text NOT NULL,
  key_requests bigint NOT NULL DEFAULT 0,
  xlink_requests bigint NOT NULL DEFAULT 0,
  failures jsonb NOT NULL DEFAULT '{}',
  last_key_use bigint,
  last_xlink_use bigint,
  last_failure bigint,
  key_off_since bigint
);
CREATE TABLE IF NOT EXISTS "xlink_clients_dids" (
  id text COLLATE "C" PRIMARY KEY,
  did text NOT NULL,
  client_id text COLLATE "C" NOT NULL,
  nr bigserial NOT NULL
);
CREATE INDEX IF NOT EXISTS "xlink_clients_dids_client" ON "xlink_clients_dids" (client_id);
CREATE TABLE IF NOT EXISTS "xlink_clients_batches" (
  batch text COLLATE "C" PRIMARY KEY,
  added_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_clients', 1) ON CONFLICT DO NOTHING;`,
    },
    {
      file: 'client-store/002-identity-column.sql',
      sql: `ALTER TABLE "xlink_clients_dids" ALTER COLUMN nr DROP IDENTITY IF EXISTS;
ALTER TABLE "xlink_clients_dids" ALTER COLUMN nr DROP DEFAULT;
DROP SEQUENCE IF EXISTS "xlink_clients_dids_nr_seq";
ALTER TABLE "xlink_clients_dids" ALTER COLUMN nr ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(
  pg_get_serial_sequence('"xlink_clients_dids"', 'nr'),
  (SELECT coalesce(max(nr), 0) + 1 FROM "xlink_clients_dids"),
  false
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_clients', 2) ON CONFLICT DO NOTHING;`,
    },
    {
      file: 'client-store/003-places.sql',
      sql: `ALTER TABLE "xlink_clients" ADD COLUMN IF NOT EXISTS revoked_since bigint;
ALTER TABLE "xlink_clients_dids" ADD COLUMN IF NOT EXISTS valid_until bigint;
ALTER TABLE "xlink_clients_dids" ADD COLUMN IF NOT EXISTS place bigint;
UPDATE "xlink_clients_dids" AS d SET place = numbered.place
FROM (SELECT id, row_number() OVER (PARTITION BY client_id ORDER BY nr) AS place FROM "xlink_clients_dids") AS numbered
WHERE numbered.id = d.id AND d.place IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS "xlink_clients_dids_place" ON "xlink_clients_dids" (client_id, place);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_clients', 3) ON CONFLICT DO NOTHING;`,
    },
    {
      file: 'client-store/004-signature-requests.sql',
      sql: `ALTER TABLE "xlink_clients" ADD COLUMN IF NOT EXISTS signature_requests bigint NOT NULL DEFAULT 0;
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_clients', 4) ON CONFLICT DO NOTHING;`,
    },
  ],
  'key-store': [
    {
      file: 'key-store/001-keys.sql',
      sql: `CREATE TABLE IF NOT EXISTS "xlink_keys" (
  name text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  epochs json NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_keys', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'leaf-store': [
    {
      file: 'leaf-store/001-leaves.sql',
      sql: `CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_leaves" (
  sid text COLLATE "C" NOT NULL,
  seq integer NOT NULL,
  leaf text NOT NULL,
  answered text,
  answer text,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (sid, seq)
);
CREATE INDEX IF NOT EXISTS "xlink_leaves_expiry" ON "xlink_leaves" (expires_at);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_leaves', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'mode-store': [
    {
      file: 'mode-store/001-modes.sql',
      sql: `CREATE TABLE IF NOT EXISTS "xlink_modes" (
  api text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  state json NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_modes', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'nonce-store': [
    {
      file: 'nonce-store/001-nonces.sql',
      sql: `CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_nonces" (
  key text COLLATE "C" PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS "xlink_nonces_expiry" ON "xlink_nonces" (expires_at);
CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_nonces_since" (
  id integer PRIMARY KEY CHECK (id = 1),
  server text NOT NULL,
  since bigint NOT NULL
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_nonces', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'operations-store': [
    {
      file: 'operations-store/001-documents.sql',
      sql: `CREATE TABLE IF NOT EXISTS "xlink_operations" (
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  value text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, id)
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_operations', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'sequence-store': [
    {
      file: 'sequence-store/001-sequences.sql',
      sql: `CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_sequences" (
  key text COLLATE "C" PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS "xlink_sequences_expiry" ON "xlink_sequences" (expires_at);
CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_sequences_since" (
  id integer PRIMARY KEY CHECK (id = 1),
  server text NOT NULL,
  since bigint NOT NULL
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_sequences', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'ticket-key-store': [
    {
      file: 'ticket-key-store/001-ticket-keys.sql',
      sql: `CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_ticket_keys" (
  name text COLLATE "C" PRIMARY KEY,
  sealed text NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_ticket_keys', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'trust-registry': [
    {
      file: 'trust-registry/001-entries.sql',
      sql: `CREATE TABLE IF NOT EXISTS "xlink_registry" (
  did text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  entry json NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_registry', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
  'wrapping-key-store': [
    {
      file: 'wrapping-key-store/001-wrapping-keys.sql',
      sql: `CREATE TABLE IF NOT EXISTS "xlink_wrapping_keys" (
  id text COLLATE "C" PRIMARY KEY,
  key text
);
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_wrapping_keys', 1) ON CONFLICT DO NOTHING;`,
    },
  ],
} as const;
