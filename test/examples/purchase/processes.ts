import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterTest } from '../../support/after-test.js';
import type { BuiltPackage } from '../../support/built-package.js';
import { until } from '../../support/until.js';
import { PURCHASE } from './stripe-package.js';

/** Puts the example beside the package as it is after a build; returns its folder. */
export function copyExample(copy: BuiltPackage): string {
  const folder = join(copy.folder, 'examples/purchase');
  // Without its package.json the package of the copy is the one whose name it imports.
  cpSync(PURCHASE, folder, {
    recursive: true,
    filter: (file) => !/node_modules|package[^/]*\.json$/.test(file),
  });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(PURCHASE, 'node_modules/stripe'), join(folder, 'node_modules/stripe'));
  return folder;
}

/** `server.mjs` as a process of its own. */
export class ServerProcess {
  output = '';
  readonly process: ChildProcess;

  private constructor(folder: string, env: Record<string, string>) {
    this.process = spawn(process.execPath, [join(folder, 'server.mjs')], {
      env: { ...process.env, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    afterTest(() => this.end('SIGKILL'));
    for (const stream of [this.process.stdout!, this.process.stderr!])
      stream.on('data', (chunk) => {
        this.output += chunk;
      });
  }

  /** Resolves once it listens. */
  static async start(folder: string, env: Record<string, string>): Promise<ServerProcess> {
    const server = new ServerProcess(folder, env);
    await until(
      () => {
        if (server.process.exitCode !== null) throw new Error(`it ended:\n${server.output}`);
        return server.output.includes('listening');
      },
      { withinMs: 30_000, what: 'the server' },
    );
    return server;
  }

  get did(): string {
    return /^did:key:\S+/.exec(this.output)![0];
  }

  get url(): string {
    return `${/http:\S+/.exec(this.output)![0]}/api/purchase`;
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill(signal);
      await ended;
    }
    return this.process.exitCode;
  }
}
