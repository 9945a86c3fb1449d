#!/usr/bin/env node
import { createInterface } from 'node:readline';
import { HELP, xlockCommand } from './cli/commands.js';

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

if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
  out(HELP);
  process.exitCode = args.length === 0 ? 2 : 0;
} else {
  try {
    process.exitCode = await xlockCommand(args, { out, err, ask });
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    const isUsage = String(code).startsWith('ERR_PARSE_ARGS');
    err(`xlock: ${message}${isUsage ? '; see xlock --help' : ''}`);
    process.exitCode = isUsage ? 2 : 1;
  }
  lines?.close();
}
