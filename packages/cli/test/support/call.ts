import { commands, run } from '../../src/index.js';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process, asking nothing. */
export async function call(...args: string[]): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(args, commands, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** The same, as the identity of a folder; its data. Throws what it says if it fails. */
export async function dataOf(dir: string, ...args: string[]) {
  const { code, out, err } = await call(...args, '--dir', dir, '--json');
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${err}`);
  return JSON.parse(out);
}
