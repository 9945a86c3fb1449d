// All vectors under Python, played by an implementation that was written from docs/PROTOCOL.md alone. Nothing is sampled.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { run } from '../clients/support.js';
import { verdictOn } from '../support/needs-program.js';
import { FOLDER } from '../vectors/load.js';

/** Debian's Python sees Debian's packages; one in front of it in the PATH may not. */
const PYTHON = '/usr/bin/python3';
const isThere = existsSync('/usr/lib/python3/dist-packages/cryptography');
const describePython = isThere || verdictOn(['python3-cryptography']) === 'fail' ? describe : describe.skip;
const folder = fileURLToPath(new URL('./python', import.meta.url));

/** Two at a time, of about the same length. */
const HALVES = [
  ['v3.json', 'signed-only.json', 'discovery.json', 'key-record.json', 'identity.json', 'PROTOCOL.md'],
  ['shares.json', 'answers.json', 'v1.json', 'v2.json', 'succession.json', 'request-binding.json'],
];

describePython(
  isThere ? 'the protocol in Python' : 'the protocol in Python [skipped: python3-cryptography not installed]',
  () => {
    test.concurrent.each(HALVES.map((names) => [names] as const))(
      'reads and makes what is in %j',
      async (names) => {
        const { code, stdout, stderr } = await run(folder, PYTHON, ['run.py', ...names]);
        expect([code, stderr]).toEqual([0, '']);
        const passed = [...stdout.matchAll(/^(\S+).* passed +([1-9]\d*) +failed +0 /gm)].map(
          ([, name]) => name,
        );
        expect(passed.sort()).toEqual([...names].sort());
      },
      180_000, // some 15 s where nothing else runs
    );

    test('no file of vectors is left out', () => {
      const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
      expect(
        HALVES.flat()
          .filter((name) => name !== 'PROTOCOL.md')
          .sort(),
      ).toEqual(files.sort());
    });
  },
);
