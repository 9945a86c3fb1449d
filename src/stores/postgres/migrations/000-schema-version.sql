-- Which migrations of which table were applied. One for all tables of a schema.
CREATE TABLE IF NOT EXISTS "xlink_schema_version" (
  table_name text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (table_name, version)
);
