// All vectors under Python, played by an implementation that was written from docs/PROTOCOL.md alone. Nothing is sampled.
import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { FOLDER } from '../vectors/load.js';
import { describePython, runPython } from './python-program.js';

/** Two at a time, of about the same length. */
const HALVES = [
  [
    'v3.json',
    'signed-only.json',
    'discovery.json',
    'key-record.json',
    'identity.json',
    'receipts.json',
    'PROTOCOL.md',
  ],
  [
    ...['shares.json', 'answers.json', 'v1.json', 'v2.json', 'succession.json', 'request-binding.json'],
    ...['handshake', 'requests', 'messages', 'replies', 'checkpoints'].map((name) => `session/${name}.json`),
  ],
];

describePython('the protocol in Python', () => {
  test.concurrent.each(HALVES.map((names) => [names] as const))(
    'reads and makes what is in %j',
    async (names) => {
      const { code, stdout, stderr } = await runPython('run.py', names);
      expect([code, stderr]).toEqual([0, '']);
      const passed = [...stdout.matchAll(/^(\S+).* passed +([1-9]\d*) +failed +0 /gm)].map(
        ([, name]) => name,
      );
      expect(passed.sort()).toEqual([...names].sort());
    },
    180_000, // some 15 s where nothing else runs
  );

  test('no file of vectors is left out', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.json') && !name.startsWith('signature/'), // which clients/ play
    );
    const played = HALVES.flat().filter((name) => name !== 'PROTOCOL.md');
    expect(played.sort()).toEqual(files.sort());
  });
});
