#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { x0xCommand } from './commands.js';

process.stdout.on('error', () => process.exit(1)); // who read it is gone

const args = process.argv.slice(2);
const version = async (): Promise<string> => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
};
const say = (stream: NodeJS.WriteStream) => (line: string) => void stream.write(`${line}\n`);
const named = (line: string) => line.replace(/^Usage: xlink x0x/, 'Usage: x0x');
const output = { out: (line: string) => say(process.stdout)(named(line)), err: say(process.stderr) };

if (args[0] === '--version') output.out(await version());
else if (args.length === 0 || args[0] === '--help' || args[0] === '-h') {
  output.out(x0xCommand.help);
  process.exitCode = args.length === 0 ? 2 : 0;
} else {
  try {
    process.exitCode = await x0xCommand.run(args, output);
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    const isUsage = String(code).startsWith('ERR_PARSE_ARGS');
    output.err(`x0x: ${message}${isUsage ? '; see x0x --help' : ''}`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
