-- One row for each entry; heads has a row for each log, which writers lock; keys are wrapped for the organization.
CREATE TABLE IF NOT EXISTS "xlink_audit" (
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
INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_audit', 1) ON CONFLICT DO NOTHING;
