// A program that stands on the command line: its flags are not those of the threads.
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

const PROGRAM = `
import { MemoryBackend, PasskeyVault } from '@private.me/xlock';
import { ephemeralFor } from '@private.me/xlock/xid';
const vault = new PasskeyVault({ stores: ['a', 'b'].map((id) => new MemoryBackend(id)) });
const { did } = await vault.generatePasskey({ service: 'https://acme.com', userId: 'ada' });
vault.close();
const source = await ephemeralFor(did);
console.log((await source.identityFor('https://acme.com', source.epoch)).did !== did);
process.exit(0);
`;

test('node --input-type=module -e: passkeys are made in threads, DIDs of xLock+ too', () => {
  const args = ['--input-type=module', '-e', PROGRAM];
  const env = { ...process.env, NODE_OPTIONS: '' };
  expect(execFileSync(process.execPath, args, { cwd: import.meta.dirname, env, encoding: 'utf8' })).toBe(
    'true\n',
  );
});
