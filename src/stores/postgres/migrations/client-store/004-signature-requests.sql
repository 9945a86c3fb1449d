-- How many of the requests by xLink were signed by RFC 9421, without an envelope.
ALTER TABLE "xlink_clients" ADD COLUMN IF NOT EXISTS signature_requests bigint NOT NULL DEFAULT 0;

INSERT INTO "xlink_schema_version" (table_name, version) VALUES ('xlink_clients', 4) ON CONFLICT DO NOTHING;
