import { chmod, chown, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Contacts, decodeKeyFile, encodeKeyFile, openIdentity, X0xDaemon } from '../src/index.js';
import { hasMemberTwice } from '../src/util/json.js';
import { oneLine, printable, printableJson } from '../src/util/printable.js';
import { failureOf, idOfFailure, keysOf, openNode, placesIn, temporaryFolder } from './support.js';

const isRoot = process.getuid?.() === 0;

describe('files that are not as they were left', () => {
  test.each(['machine.key', 'agent.key', 'api-token'])(
    '%s as a link that leads nowhere ends with an error',
    async (name) => {
      const folder = await temporaryFolder();
      const places = placesIn(folder);
      const dir = name === 'api-token' ? places.dataDir : places.identityDir;
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await symlink(join(folder, 'nowhere'), join(dir, name));
      expect(await failureOf(() => X0xDaemon.start({ ...places, apiPort: 0 }))).toMatchObject({
        id: 'KEY_FILE_UNREADABLE',
        field: name,
        message: expect.stringContaining(name),
      });
    },
  );

  test('a folder that cannot be made ends with an error', async () => {
    if (process.platform !== 'linux') return;
    expect(await idOfFailure(() => openIdentity({ identityDir: '/proc/x0x' }))).toBe('KEY_FILE_UNREADABLE');
  });

  test.each<[string, number]>([
    ['the hash of the public key', 1960 + 8 + 70],
    ['the low bits of t', 5990],
  ])(
    'a key with one bit of %s flipped does not sign wrong things: it is not opened, or signs well',
    (_, at) => {
      const keys = keysOf('key');
      const file = encodeKeyFile(keys);
      file[at]! ^= 1;
      let opened: ReturnType<typeof decodeKeyFile> | undefined;
      try {
        opened = decodeKeyFile(file);
      } catch (error) {
        expect(error).toMatchObject({ id: 'KEY_FILE_INVALID:MISMATCH' });
      }
      if (at < 5000) expect(opened).toBeUndefined();
    },
  );

  test('a directory or a file of decisions that others may write, or own, is refused', async () => {
    const folder = await temporaryFolder();
    const places = placesIn(folder);
    await (await openNode(folder, 'agent')).close();
    for (const dir of [places.identityDir, places.dataDir]) {
      await chmod(dir, 0o777);
      expect(await idOfFailure(() => openNode(folder, 'agent'))).toBe('KEY_FILE_EXPOSED');
      await chmod(dir, 0o700);
    }
    const contacts = join(places.dataDir, 'contacts.json');
    await writeFile(contacts, '{"contacts":[]}');
    await chmod(contacts, 0o666);
    expect(await failureOf(() => openNode(folder, 'agent'))).toMatchObject({
      id: 'KEY_FILE_EXPOSED',
      field: 'contacts.json',
    });
    await chmod(contacts, 0o600);
    if (!isRoot) return;
    await chown(join(places.identityDir, 'agent.key'), 65_534, 65_534);
    expect(await idOfFailure(() => openNode(folder, 'agent'))).toBe('KEY_FILE_EXPOSED');
  });

  test('contacts with one agent twice are damaged: the laxer one must not win', async () => {
    const path = join(await temporaryFolder(), 'contacts.json');
    const one = (trust_level: string) => ({ agent_id: Array(32).fill(1), trust_level, added_at: 1 });
    await writeFile(path, JSON.stringify({ contacts: [one('blocked'), one('trusted')] }), { mode: 0o600 });
    expect(await idOfFailure(() => Contacts.open(path))).toBe('CONTACTS_DAMAGED');
  });

  test('drafts that a killed process left are removed at the next start', async () => {
    const folder = await temporaryFolder();
    const { dataDir } = placesIn(folder);
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(join(dataDir, '.contacts.json.0123456789ab.tmp'), 'half');
    await openNode(folder, 'agent');
    expect((await readdir(dataDir)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect((await readFile(join(dataDir, 'xlink-registry.jsonl'))).length).toBeGreaterThanOrEqual(0);
  });
});

describe('what a terminal is shown', () => {
  const evil = 'Bob\x1b[2K\rtrusted\nAlice\x1b]0;pwn\x07\u202egnp\x9b31m\u2066\ud800';
  test('is one line, in which nothing is obeyed or turned around', () => {
    expect(oneLine(evil)).toBe(
      'Bob\\u{1b}[2K\\u{d}trusted\\u{a}Alice\\u{1b}]0;pwn\\u{7}\\u{202e}gnp\\u{9b}31m\\u{2066}\\u{d800}',
    );
    expect(printable('x'.repeat(100_000))).toHaveLength(120);
    expect(oneLine('Zoë 名前 👩‍💻'.replaceAll('\u200d', ''))).toBe('Zoë 名前 👩💻');
  });

  test('as JSON means the same', () => {
    const text = printableJson({ evil });
    expect(JSON.parse(text)).toEqual({ evil });
    expect(text).toBe(oneLine(text));
  });
});

test.each<[string, boolean]>([
  ['{"level":"known","level":"trusted"}', true],
  ['{"level":"known","l\\u0065vel":"trusted"}', true],
  ['{"a":{"x":1,"x":2},"b":["a","a:",{"b":1}],"c":"\\"a\\":"}', false],
  ['{}', false],
])('%s has a member twice: %j', (text, is) => expect(hasMemberTwice(text)).toBe(is));
