import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface StartedRelay {
  readonly did: string;
  readonly url: string;
  readonly serves: string;
  readonly socket: string;
  /** All that it has said. */
  output(): string;
  /** Its exit code; `null` if it was killed. */
  end(...signals: NodeJS.Signals[]): Promise<number | null>;
}

const PROGRAM = fileURLToPath(new URL('../dist/xlink.js', import.meta.url));
const ANNOUNCED = /relay {2}(\S+)\nurl {4}(\S+)\nserves (.*)\nsocket (\w+)/;

/** Starts the built `xlink relay` on a free port. Rejects with what it said if it ends before it serves. */
export async function startRelay(...args: string[]): Promise<StartedRelay> {
  const child = spawn(process.execPath, [PROGRAM, 'relay', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += String(chunk);
        const found = ANNOUNCED.exec(output);
        if (found) resolve(found);
      });
    child.once('close', () => reject(new Error(`ended early: ${output}`)));
  });
  const [, did, url, serves, socket] = match as unknown as [string, string, string, string, string];
  const end = async (...signals: NodeJS.Signals[]) => {
    for (const signal of signals) child.kill(signal);
    const [code] = await exited;
    return code as number | null;
  };
  return { did, url, serves, socket, output: () => output, end };
}
