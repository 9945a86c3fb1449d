import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sqlite from 'node-sqlite3-wasm';

/** @typedef {import('node-sqlite3-wasm').Database} Database */

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS customers (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS api_keys (
    hash         TEXT PRIMARY KEY,                             -- SHA-256; the key itself is nowhere
    customer_id  TEXT NOT NULL REFERENCES customers(id),
    scopes       TEXT NOT NULL,                                -- JSON array
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS identities (
    did          TEXT PRIMARY KEY,
    customer_id  TEXT REFERENCES customers(id),
    status       TEXT NOT NULL CHECK (status IN ('active', 'revoked')),
    entry        TEXT NOT NULL,                                -- JSON: name, key record, scopes
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS orders (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id  TEXT NOT NULL REFERENCES customers(id),
    product      TEXT NOT NULL,
    quantity     INTEGER NOT NULL,
    amount_cents INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS payments (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id     INTEGER NOT NULL UNIQUE REFERENCES orders(id),
    customer_id  TEXT NOT NULL REFERENCES customers(id),
    method       TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS documents (
    order_id     INTEGER PRIMARY KEY REFERENCES orders(id) ON DELETE CASCADE,
    type         TEXT NOT NULL,
    bytes        BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id, id);
`;

/**
 * Opens the database in a folder, and makes both if need be. One server per folder.
 * @param {string} folder
 */
export function openDatabase(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'api.sqlite');
  rmSync(`${file}.lock`, { recursive: true, force: true }); // left by a server that was killed while it wrote
  const database = new sqlite.Database(file);
  chmodSync(file, 0o600);
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec(SCHEMA);
  return database;
}
