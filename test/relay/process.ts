import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterTest } from '../support/after-test.js';

/** A program under this Node, which a test may kill. Killed after the test at the latest. */
export class Program {
  readonly #child: ChildProcess;
  output = '';

  private constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (chunk) => (this.output += String(chunk)));
    afterTest(() => this.kill());
  }

  /** Resolves to the match once the output has it. Rejects if the program ends before. */
  static async start(args: readonly string[], until: RegExp): Promise<[Program, RegExpExecArray]> {
    const program = new Program(args);
    return [program, await program.says(until)];
  }

  says(what: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(new Error(`never said ${what}: ${this.output}`)), 30_000);
      const look = () => {
        const match = what.exec(this.output);
        if (match) settle(match);
      };
      const ended = () => settle(new Error(`ended without ${what}: ${this.output}`));
      const settle = (outcome: RegExpExecArray | Error) => {
        clearTimeout(timer);
        this.#child.stdout!.off('data', look);
        this.#child.off('exit', ended);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#child.stdout!.on('data', look);
      this.#child.once('exit', ended);
      look();
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** No goodbye to anybody. */
  kill(): Promise<void> {
    return this.end('SIGKILL').then(() => undefined);
  }

  /** Its exit code; `null` if it was killed. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.isRunning) {
      const ended = once(this.#child, 'exit');
      this.#child.kill(signal);
      await ended;
    }
    return this.#child.exitCode;
  }
}
