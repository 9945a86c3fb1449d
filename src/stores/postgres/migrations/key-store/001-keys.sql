CREATE TABLE IF NOT EXISTS "xlink_keys" (
  name text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  epochs json NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_keys', 1) ON CONFLICT DO NOTHING;
