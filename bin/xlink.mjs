#!/usr/bin/env node
// `xlink` lives in a package of its own. It is run from here, from the project, or, if both lack it, by npx.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const CLI = '@private.me/xlink-cli';
const RANGE = '^0.1.0';
const args = process.argv.slice(2);

const entry = find(import.meta.url) ?? find(pathToFileURL(`${process.cwd()}/`));
if (entry) {
  const { main } = await import(pathToFileURL(entry));
  await main(args);
} else if (process.env.npm_config_yes === 'true' || (process.stdin.isTTY && process.platform !== 'win32')) {
  // npx asks before it installs, unless the caller has said yes to it already.
  process.exitCode = spawnSync('npx', [`${CLI}@${RANGE}`, ...args], { stdio: 'inherit' }).status ?? 1;
} else {
  console.error(`xlink: the command is in a package of its own. Run: npm install --save-dev ${CLI}`);
  process.exitCode = 1;
}

function find(from) {
  try {
    return createRequire(from).resolve(CLI);
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
