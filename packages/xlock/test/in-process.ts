// The command in this process: what it prints, with its exit code or why it was refused.
import { xlockCommand } from '../src/cli/commands.js';

export async function ran(home: string, ...args: string[]): Promise<{ code: number; said: string }> {
  const lines: string[] = [];
  const out = (line: string) => void lines.push(line);
  const env = { XLOCK_HOME: home, AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' };
  const code = await xlockCommand(args, { out, err: out, ask: async () => undefined }, env);
  return { code, said: lines.join('\n') };
}
