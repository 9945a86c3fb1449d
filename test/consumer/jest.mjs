// A CommonJS app with Jest as `npm install jest` leaves it: no config, no transform, no flags.
import { attempt, copy, install } from './kit.mjs';
import { otherNodes } from './nodes.mjs';

export default function jest({ root }) {
  for (const major of [29, 30]) {
    const home = install(`jest${major}`, [
      root,
      `jest@${major}`,
      'express@5',
      'prom-client@15',
      'supertest@7',
    ]);
    copy(home, 'story.cjs', 'all-versions.cjs', 'app.test.js', 'signed-app.cjs', 'esm-app.test.mjs');
    for (const { name, path } of [{ name: 'this Node', path: process.execPath }, ...otherNodes()])
      attempt(`[D1] Jest ${major} on ${name}`, [
        [path, ['node_modules/jest/bin/jest.js', 'app.test.js'], home],
      ]);
    const esm = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--testMatch=**/*.test.mjs'];
    attempt(`Jest ${major}, ES modules`, [[process.execPath, esm, home]]);
  }
}
