CREATE TABLE IF NOT EXISTS "xlink_operations" (
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  value text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, id)
);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_operations', 1) ON CONFLICT DO NOTHING;
