import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UsageError } from '../run.js';
import type { Written } from './changes.js';
import type { Connection } from './node-client.js';

/** Clients that sign requests (RFC 9421), as @private.me/xlink publishes them, and a few lines that use them. */
const LANGUAGES: Readonly<Record<string, (connection: Connection) => Promise<readonly Written[]>>> = {
  python: async (connection) => [
    { path: 'xlink.py', text: await published('xlink.py') },
    { path: 'xlink_client.py', text: python(connection) },
  ],
  go: async (connection) => [
    { path: 'xlink/xlink.go', text: await published('xlink.go') },
    { path: 'main.go', text: go(connection) },
    { path: 'go.mod', text: `module ${connection.name.replace(/[^\w.-]/g, '-')}\n\ngo 1.19\n`, isKept: true },
  ],
  rust: async (connection) => [
    { path: 'src/xlink.rs', text: await published('xlink.rs') },
    { path: 'src/main.rs', text: rust(connection) },
    { path: 'Cargo.toml', text: cargo(connection), isKept: true },
  ],
};

/** How each is run. */
export const RUN: Readonly<Record<string, string>> = {
  python: 'pip install cryptography requests, then python3 xlink_client.py /path',
  go: 'go run . /path',
  rust: 'cargo run /path',
};

/** The files of a client in another language. Throws a `UsageError` for a language that there is none in. */
export function otherClient(language: string, connection: Connection): Promise<readonly Written[]> {
  const write = Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : undefined;
  if (!write) throw new UsageError(`--lang is one of typescript, ${Object.keys(LANGUAGES).join(', ')}`);
  return write(connection);
}

const published = (name: string): Promise<string> => {
  const manifest = createRequire(import.meta.url).resolve('@private.me/xlink/package.json');
  return readFile(join(dirname(manifest), 'clients', name), 'utf8');
};

const python = ({
  partner,
  partnerUrl,
  scopes,
}: Connection): string => `"""Written by xlink init; it is yours to change. Calls the API of the partner with signed requests, and checks the signatures of its answers.

    python3 xlink_client.py /path
"""
import os
import sys

import requests

from xlink import XlinkAuth, load_key

if os.path.exists('.env'):
    with open('.env') as env:
        for name, equals, value in (line.strip().partition('=') for line in env):
            if equals and name.startswith('XLINK_'):
                os.environ.setdefault(name, value)

PARTNER = os.environ.get('XLINK_PARTNER_DID', '${partner}')
ORIGIN = os.environ.get('XLINK_PARTNER_ORIGIN', '${new URL(partnerUrl).origin}')
KEY = os.path.join(os.environ.get('XLINK_DIR', '.xlink'), 'identity.key')

session = requests.Session()
session.auth = XlinkAuth(load_key(KEY), PARTNER, scope='${scopes[0] ?? '*'}')

if __name__ == '__main__':
    answer = session.get(ORIGIN + (sys.argv[1] if len(sys.argv) > 1 else '/'))
    print(answer.status_code, answer.text)
    sys.exit(0 if answer.ok else 1)
`;

const go = ({
  name,
  partner,
  partnerUrl,
  scopes,
}: Connection): string => `// Written by xlink init; it is yours to change. Calls the API of the partner with signed requests, and checks the signatures of
// its answers: go run . /path
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"${name.replace(/[^\w.-]/g, '-')}/xlink"
)

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// loadEnv sets the variables of .env that are not set.
func loadEnv() {
	text, err := os.ReadFile(".env")
	if err != nil {
		return
	}
	for _, line := range strings.Split(string(text), "\\n") {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if _, isSet := os.LookupEnv(name); found && !isSet && strings.HasPrefix(name, "XLINK_") {
			os.Setenv(name, value)
		}
	}
}

func main() {
	loadEnv()
	key, err := xlink.LoadKey(filepath.Join(env("XLINK_DIR", ".xlink"), "identity.key"))
	fail(err)
	partner := env("XLINK_PARTNER_DID", "${partner}")
	client := &http.Client{Transport: &xlink.Transport{Key: key, Service: partner, Scope: "${scopes[0] ?? '*'}"}}
	path := "/"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	answer, err := client.Get(env("XLINK_PARTNER_ORIGIN", "${new URL(partnerUrl).origin}") + path)
	fail(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	fail(err)
	fmt.Println(answer.StatusCode, string(text))
	if answer.StatusCode >= 400 {
		os.Exit(1)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`;

const cargo = ({ name }: Connection): string => `[package]
name = "${name
  .toLowerCase()
  .replace(/[^a-z0-9_-]/g, '-')
  .replace(/^[^a-z]/, 'x$&')}"
version = "0.1.0"
edition = "2021"

[dependencies]
ring = ">=0.16, <0.18"
ureq = "2"
`;

const rust = ({
  partner,
  partnerUrl,
  scopes,
}: Connection): string => `//! Written by xlink init; it is yours to change. Calls the API of the partner with signed requests, and checks the signatures of its
//! answers: cargo run /path
mod xlink;

use std::{env, fs, process};

/// A variable of the environment, or of .env.
fn setting(name: &str, otherwise: &str) -> String {
    let file = fs::read_to_string(".env").unwrap_or_default();
    let here = file.lines().filter_map(|line| line.trim().split_once('=')).find(|(each, _)| *each == name);
    env::var(name).unwrap_or_else(|_| here.map_or(otherwise, |(_, value)| value).into())
}

fn run() -> Result<u16, xlink::Error> {
    let key = xlink::Key::load(&format!("{}/identity.key", setting("XLINK_DIR", ".xlink")))?;
    let mut client = xlink::Client::new(key, &setting("XLINK_PARTNER_DID", "${partner}"));
    client.scope = "${scopes[0] ?? '*'}".into();
    let path = env::args().nth(1).unwrap_or_else(|| "/".into());
    let url = setting("XLINK_PARTNER_ORIGIN", "${new URL(partnerUrl).origin}") + &path;
    let answer = client.call("GET", &url, &[], b"")?;
    println!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(answer.status)
}

fn main() {
    match run() {
        Ok(status) => process::exit(if status < 400 { 0 } else { 1 }),
        Err(error) => {
            eprintln!("{error}");
            process::exit(1);
        }
    }
}
`;
