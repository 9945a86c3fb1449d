// Where unit tests run: Node, without ports and processes. So the name of a file promises what the file keeps.
import childProcess from 'node:child_process';
import net from 'node:net';
import { TestEnvironment } from 'jest-environment-node';

const refuse = (what) => () => {
  throw new Error(`A unit test ${what}. Name the file *.integration.test.ts.`);
};

const REFUSED = [
  [net.Server.prototype, 'listen', refuse('listens on a port')],
  ...['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'].map((name) => [
    childProcess,
    name,
    refuse('starts a process'),
  ]),
];

export default class UnitEnvironment extends TestEnvironment {
  #restore = [];

  async setup() {
    await super.setup();
    for (const [owner, name, refusal] of REFUSED) {
      const original = owner[name];
      owner[name] = refusal;
      this.#restore.push(() => {
        owner[name] = original;
      });
    }
  }

  // A worker runs files of both projects, and they share the modules of Node.
  async teardown() {
    for (const restore of this.#restore) restore();
    await super.teardown();
  }
}
