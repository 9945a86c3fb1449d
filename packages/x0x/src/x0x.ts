#!/usr/bin/env node
import { x0xCommand } from './commands.js';

const args = process.argv.slice(2);
const say = (stream: NodeJS.WriteStream) => (line: string) => void stream.write(`${line}\n`);
const output = { out: say(process.stdout), err: say(process.stderr) };

if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
  output.out(x0xCommand.help.replaceAll('xlink x0x', 'x0x'));
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
