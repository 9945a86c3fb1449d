-- Unlogged: hashes that are kept until a caller has signed them. After a crash they are gone, and not compared.
CREATE UNLOGGED TABLE IF NOT EXISTS "xlink_leaves" (
  sid text COLLATE "C" NOT NULL,
  seq integer NOT NULL,
  leaf text NOT NULL,
  answered text,
  answer text,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (sid, seq)
);
CREATE INDEX IF NOT EXISTS "xlink_leaves_expiry" ON "xlink_leaves" (expires_at);

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_leaves', 1) ON CONFLICT DO NOTHING;
