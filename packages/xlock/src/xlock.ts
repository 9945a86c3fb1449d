#!/usr/bin/env node
import { createInterface } from 'node:readline';
import { xlockCommand } from './cli/commands.js';
import { failureLines } from './cli/failure.js';
import { HELP } from './cli/help.js';

const args = process.argv.slice(2);
const say = (stream: NodeJS.WriteStream) => (line: string) => void stream.write(`${line}\n`);
const out = say(process.stdout);
const err = say(process.stderr);

let lines: ReturnType<typeof createInterface> | undefined;
const typed: string[] = [];
let isOver = false;
let wake = () => {};

/** Lines that come before they are asked for are kept: input may be a pipe. */
async function ask(question: string, signal?: AbortSignal): Promise<string | undefined> {
  if (!lines) {
    lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => {
      typed.push(line);
      wake();
    });
    lines.once('close', () => {
      isOver = true;
      wake();
    });
  }
  process.stdout.write(question);
  while (typed.length === 0 && !isOver && !signal?.aborted) {
    await new Promise<void>((resolve) => {
      wake = resolve;
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  return typed.shift();
}

if (args.length === 0) {
  out(HELP);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await xlockCommand(args, { out, err, ask });
  } catch (error) {
    const isUsage = String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    const [first, ...more] = failureLines(error);
    err(`xlock: ${first}${isUsage ? '; see xlock --help' : ''}`);
    for (const line of more) err(line);
    process.exitCode = isUsage ? 2 : 1;
  }
  lines?.close();
}
