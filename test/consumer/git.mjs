// An install from git: npm clones the repository, installs its tools, and `prepare` builds.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../../scripts/wings.mjs';
import { attempt, copy, install, node, workshop } from './kit.mjs';

export default function git() {
  const repository = join(workshop, 'repository');
  commitWorkingTree(repository);
  const home = install('git', [`git+file://${repository}`, 'express@5', 'prom-client@15']);
  copy(home, 'story.cjs', 'esm.mjs', 'cjs.cjs');
  for (const script of ['esm.mjs', 'cjs.cjs'])
    attempt(`[D4] ${script} of an install from git`, [node(home, script)]);
}

/** A repository with the files as they are now, committed or not. */
function commitWorkingTree(repository) {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of list.split('\0').filter((name) => name && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(repository, file)), { recursive: true });
    cpSync(join(root, file), join(repository, file));
  }
  const run = (...args) => execFileSync('git', ['-C', repository, ...args], { stdio: 'ignore' });
  run('init');
  run('add', '--all');
  run('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '--message=now');
}
