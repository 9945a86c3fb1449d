import { spawnSync } from 'node:child_process';

const NEEDS = 'import cryptography, requests';

/** A Python that has what `client.py` needs; `undefined` if there is none on this machine. */
export const pythonCommand = () =>
  ['python3', '/usr/bin/python3'].find((command) => spawnSync(command, ['-c', NEEDS]).status === 0);
