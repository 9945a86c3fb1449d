import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterTest } from './support.js';

const PROGRAM = fileURLToPath(new URL('../../dist/xlink.js', import.meta.url));

export interface StartedServer {
  readonly did: string;
  readonly url: string;
  /** Of the first start only. */
  readonly adminToken: string | undefined;
  /** All that it has said. */
  output(): string;
  /** Its exit code; `null` if it was killed. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface Start {
  readonly env?: NodeJS.ProcessEnv;
  /** Put in front of the command, such as `prlimit`. */
  readonly wrapper?: readonly string[];
}

function launch(args: readonly string[], { env, wrapper = [] }: Start): ChildProcess {
  const [command, ...rest] = [...wrapper, process.execPath, PROGRAM, 'serve', ...args];
  const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  afterTest(() => child.kill('SIGKILL'));
  return child;
}

/** Starts the built `xlink serve` on a free port. Rejects with what it said if it ends before it serves. */
export async function startServer(args: readonly string[], start: Start = {}): Promise<StartedServer> {
  const child = launch(['--port', '0', '--json', ...args], start);
  const exited = once(child, 'exit');
  let output = '';
  const announced = await new Promise<Record<string, string>>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk) => {
        output += String(chunk);
        const line = output.split('\n').find((each) => each.startsWith('{"did"') && each.endsWith('}'));
        if (line) resolve(JSON.parse(line));
      });
    child.once('close', () => reject(new Error(`ended early: ${output}`)));
  });
  return {
    did: announced['did']!,
    url: announced['url']!,
    adminToken: announced['adminToken'],
    output: () => output,
    async end(signal) {
      child.kill(signal);
      const [code] = await exited;
      return code as number | null;
    },
  };
}

/** Runs it until it ends by itself. */
export async function runServer(
  args: readonly string[],
  start: Start = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = launch(args, start);
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = await once(child, 'close');
  return { code: code as number | null, output };
}
