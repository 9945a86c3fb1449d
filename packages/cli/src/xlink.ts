#!/usr/bin/env node
import { commands } from './commands.js';
import { run } from './run.js';

process.exitCode = await run(process.argv.slice(2), commands, {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
});
