// Somebody who does what a page says, and knows nothing else.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const TIMEOUT_MS = 60_000;
const inShell = promisify(execFile);
const isCode = (line) => line.trim() !== '' && !/^\s*(\/\/|#)/.test(line);

export class Reader {
  /** What was asked of the reader so far. `ms`: what the machine had to do, which does not depend on what else it does meanwhile. */
  asked = { commands: 0, lines: 0, ms: 0, byTheClock: 0 };
  #home;
  #rename;
  #env;
  /** Programs that go on running, by their command. */
  #running = new Map();

  /**
   * `rename`: what the reader's machine has in the place of what the page names, such as a tarball for a package that is not
   * published, and free ports.
   */
  constructor(home, rename, env = {}) {
    this.#home = home;
    this.#rename = rename;
    this.#env = {
      ...process.env,
      NODE_ENV: undefined,
      npm_config_prefer_offline: 'true',
      npm_config_audit: 'false',
      ...env,
    };
  }

  /** Does one step; of commands, what each of them printed, which must be what stands behind it (`# …`), if something does. */
  async do(step) {
    const started = performance.now();
    try {
      if (step.kind === 'file') this.#write(step.name, this.#rename(step.text));
      else if (step.kind === 'change') this.#change(step);
      else return await this.#all(step.lines);
    } finally {
      this.asked.byTheClock += performance.now() - started;
    }
    return [];
  }

  /** Stops what goes on running, as an operator would, and starts it again. */
  async restart() {
    for (const command of [...this.#running.keys()]) {
      await this.#stop(command);
      await this.#start(command);
    }
  }

  async stop() {
    for (const command of [...this.#running.keys()]) await this.#stop(command);
  }

  /** What a command prints. Not counted: the page does not ask for it. */
  async run(command) {
    return (await this.#timed(command)).stdout;
  }

  /** What a command prints, and the time of the machine that it took, in ms. */
  async #timed(command) {
    const options = { cwd: this.#home, env: { ...this.#env, TIMEFORMAT: '%U %S' }, timeout: TIMEOUT_MS };
    const { stdout, stderr } = await inShell('bash', ['-c', `time { ${this.#rename(command)}; }`], options);
    const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
    return { stdout, ms: 1000 * (user + system) };
  }

  async #all(lines) {
    const printed = [];
    for (const line of lines) {
      const [command, comment = ''] = line.split(/ +# /);
      this.asked.commands += 1;
      if (comment.startsWith('goes on running')) await this.#start(command);
      else {
        const { stdout, ms } = await this.#timed(command);
        if (comment && stdout.trim() !== comment)
          throw new Error(`${command} should print ${comment}, and printed ${stdout}`);
        printed.push(stdout);
        this.asked.ms += ms;
      }
    }
    return printed;
  }

  #write(name, text) {
    this.asked.lines += text.split('\n').filter(isCode).length;
    writeFileSync(join(this.#home, name), text);
  }

  /** Replaces the lines that the change shows, which must stand in the file one after the other. */
  #change({ name, text }) {
    const path = join(this.#home, name);
    const lines = this.#rename(text).split('\n');
    const side = (mark) =>
      lines
        .filter((line) => line[0] !== mark)
        .map((line) => line.slice(1))
        .join('\n');
    const [before, after] = [side('+'), side('-')];
    const file = readFileSync(path, 'utf8');
    if (file.split(before).length !== 2)
      throw new Error(`${name} does not have these lines once:\n${before}`);
    this.asked.lines += lines.filter((line) => line[0] === '+' && isCode(line.slice(1))).length;
    writeFileSync(
      path,
      file.replace(before, () => after),
    );
  }

  async #start(command) {
    const [program, ...args] = command.split(' ');
    const child = spawn(program, args, {
      cwd: this.#home,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => void (output += chunk));
    this.#running.set(command, child);
    const [, port] = /listen\((\d+)/.exec(readFileSync(join(this.#home, args[0]), 'utf8'));
    const deadline = Date.now() + TIMEOUT_MS;
    while (!(await listens(Number(port)))) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`${command} does not listen:\n${output}`);
      await pause(20);
    }
  }

  async #stop(command) {
    const child = this.#running.get(command);
    this.#running.delete(command);
    if (child.exitCode !== null) throw new Error(`${command} had ended with ${child.exitCode}`);
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

const listens = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, 'localhost', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
