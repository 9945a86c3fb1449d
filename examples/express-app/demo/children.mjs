import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How long a child may take to stop before it is killed. */
const GRACE_MS = 4000;

/** The processes of the demo. They stop when told, and also when this process is gone: their channel closes then. */
export class Children {
  /** @type {Set<import('node:child_process').ChildProcess>} */
  #running = new Set();
  #stopping = false;
  #onCrash;

  /** @param {(why: Error) => void} onCrash */
  constructor(onCrash) {
    this.#onCrash = onCrash;
  }

  /**
   * @param {string} script relative to this file
   * @param {string} name
   * @param {Record<string, string>} [env]
   */
  start(script, name, env = {}) {
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    return this.#watched(child, name);
  }

  /**
   * The same for a program that reads and writes messages as lines of JSON.
   * @param {string} command
   * @param {string} script relative to this file
   * @param {string} name
   */
  startProgram(command, script, name) {
    const child = spawn(command, [fileURLToPath(new URL(script, import.meta.url))], { stdio: 'pipe' });
    child.stdin.on('error', () => {}); // it is gone; its exit says the rest
    createInterface(child.stdout).on('line', (line) => child.emit('message', JSON.parse(line)));
    child.send = (/** @type {object} */ message) => child.stdin.write(`${JSON.stringify(message)}\n`);
    return this.#watched(child, name);
  }

  /** @param {import('node:child_process').ChildProcess} child @param {string} name */
  #watched(child, name) {
    let complaints = '';
    child.stderr?.on('data', (chunk) => {
      complaints = (complaints + chunk).slice(-2000);
    });
    child.on('error', () => {}); // a message to a child that is gone; its exit says the rest
    child.on('close', (code, signal) => {
      this.#running.delete(child);
      if (!this.#stopping) this.#onCrash(new Error(`${name} ended with ${signal ?? code}\n${complaints}`));
    });
    this.#running.add(child);
    return child;
  }

  async stop() {
    this.#stopping = true;
    const running = [...this.#running];
    const killer = setTimeout(() => {
      for (const child of running) child.kill('SIGKILL');
    }, GRACE_MS);
    await Promise.all(running.map((child) => stopped(child)));
    clearTimeout(killer);
  }
}

/** @param {import('node:child_process').ChildProcess} child */
async function stopped(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  else child.stdin?.end();
  await exited;
}
