CREATE TABLE IF NOT EXISTS "xlink_clients" (
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

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_clients', 1) ON CONFLICT DO NOTHING;
