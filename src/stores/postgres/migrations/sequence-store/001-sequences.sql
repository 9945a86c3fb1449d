-- Unlogged: nothing of them is in the WAL, and after a crash both tables are empty, so that the loss is noticed.
CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_sequences" (
  key text COLLATE "C" PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS "xlink_sequences_expiry" ON "xlink_sequences" (expires_at);

-- One row: since when the other table remembers, in ms since 1970, and of which start of the server and which file that is true.
CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_sequences_since" (
  id integer PRIMARY KEY CHECK (id = 1),
  server text NOT NULL,
  since bigint NOT NULL
);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_sequences', 1) ON CONFLICT DO NOTHING;
