import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

// Runs before each unit test file, so that the name of a file cannot promise what the file does not keep.

const refuse = (what: string) => (): never => {
  throw new Error(`A unit test ${what}. Name the file *.integration.test.ts.`);
};

net.Server.prototype.listen = refuse('listens on a port');
for (const start of ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'] as const) {
  childProcess[start] = refuse('starts a process') as never;
}
syncBuiltinESMExports();
