CREATE TABLE IF NOT EXISTS "xlink_registry" (
  did text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  entry json NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_registry', 1) ON CONFLICT DO NOTHING;
