import { fork } from 'node:child_process';
import { once } from 'node:events';
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
  await exited;
}
