CREATE TABLE IF NOT EXISTS "xlink_modes" (
  api text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  state json NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_modes', 1) ON CONFLICT DO NOTHING;
