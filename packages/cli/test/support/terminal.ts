import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const XLINK = fileURLToPath(new URL('../../dist/xlink.js', import.meta.url));
/** python3 has pseudo-terminals in its standard library, and copies both ways between one and its pipes. */
const BRIDGE = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';

export const hasTerminals =
  spawnSync('python3', ['-c', 'import pty']).status === 0 && spawnSync('bash', ['-c', ':']).status === 0;

/** A shell at a pseudo-terminal, in which `xlink` is the built program. */
export class Terminal {
  readonly #child: ChildProcess;
  #shown = '';
  #seen = 0;
  /** Lines that were typed, answers to prompts among them. */
  typed = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdin?.on('error', () => {});
    child.stdout?.on('data', (chunk) => {
      this.#shown += String(chunk);
    });
  }

  /** `bin`: a folder for the program, which is made. */
  static async open(cwd: string, bin: string): Promise<Terminal> {
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'xlink'), `#!/bin/sh\nexec '${process.execPath}' '${XLINK}' "$@"\n`);
    await chmod(join(bin, 'xlink'), 0o755);
    const { PATH = '' } = process.env;
    await writeFile(join(bin, 'bashrc'), "PS1='$ '; bind 'set enable-bracketed-paste off'\n");
    const env = { ...process.env, PATH: `${bin}:${PATH}`, TERM: 'dumb', HISTFILE: '/dev/null' };
    const child = spawn('python3', ['-c', BRIDGE, 'bash', '--rcfile', join(bin, 'bashrc'), '-i'], {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const terminal = new Terminal(child);
    try {
      await terminal.until(/\$ $/, 10_000);
      return terminal;
    } catch (error) {
      await terminal.close();
      throw error;
    }
  }

  /** Types a line. */
  type(line: string): void {
    this.typed++;
    this.#child.stdin?.write(`${line}\r`);
  }

  /** Presses a key that is no line, such as Ctrl-C. */
  press(key: string): void {
    this.#child.stdin?.write(key);
  }

  /** Waits until this is shown, behind what was waited for before. */
  async until(wanted: RegExp, ms = 30_000): Promise<RegExpExecArray> {
    const end = AbortSignal.timeout(ms);
    for (;;) {
      const found = wanted.exec(this.#shown.slice(this.#seen));
      if (found) {
        this.#seen += found.index + found[0].length;
        return found;
      }
      await once(this.#child.stdout!, 'data', { signal: end }).catch(() => {
        throw new Error(`${wanted} is not shown, but: ${this.#shown.slice(this.#seen)}`);
      });
    }
  }

  /** The exit code of the program that has just ended. */
  async exitCode(): Promise<number> {
    this.press('echo code=$?\r');
    return Number((await this.until(/code=(\d+)\r?\n/))[1]);
  }

  /** As when a window is closed, or a line is cut. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}
