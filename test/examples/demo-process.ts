import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterTest } from '../support/after-test.js';
import type { BuiltPackage } from '../support/built-package.js';

/** The demo as a process, with what it printed so far. */
export class DemoProcess {
  output = '';
  readonly process: ChildProcess;

  constructor(copy: BuiltPackage, env: Record<string, string> = {}) {
    const { DATA_DIR: _, ...inherited } = process.env;
    this.process = spawn(process.execPath, [join(copy.example, 'start.mjs')], {
      env: { ...inherited, PORT: '0', TMPDIR: copy.temp, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    afterTest(() => this.process.kill('SIGKILL')); // its children end with it
    for (const stream of [this.process.stdout!, this.process.stderr!])
      stream.on('data', (chunk) => {
        this.output += chunk;
      });
  }

  async exitCode(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
    return this.process.exitCode;
  }

  async says(text: RegExp): Promise<void> {
    while (!text.test(this.output)) {
      if (this.process.exitCode !== null) throw new Error(`it ended:\n${this.output}`);
      await pause(50);
    }
  }

  /** Process ids of the server and the clients. */
  children(): number[] {
    const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
    return table
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .flatMap(([pid, parent]) => (parent === this.process.pid ? [pid!] : []));
  }
}
