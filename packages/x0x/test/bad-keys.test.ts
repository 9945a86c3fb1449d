import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  assertCertificate,
  decodeCertificateFile,
  decodeKeyFile,
  encodeCertificateFile,
  encodeKeyFile,
  externalBytes,
  issueCertificate,
  openIdentity,
  placesOf,
  X0X_ERROR_TABLE,
  X0xKeyPair,
  X0xNode,
} from '../src/index.js';
import { failureOf, idOfFailure, keysOf, openNode, placesIn, temporaryFolder } from './support.js';

const user = keysOf('user');
const agent = keysOf('agent');
const mallory = keysOf('mallory');
const NOW = 1_760_000_000;

describe('a certificate', () => {
  const terms = { now: NOW, agentId: agent.id, userId: user.id };
  const check = (...args: Parameters<typeof issueCertificate>) =>
    idOfFailure(() => assertCertificate(issueCertificate(...args), terms));

  test('that has expired; 300 s are tolerated', async () => {
    const issued = issueCertificate(user, agent.publicKey, NOW - 1000, NOW - 300);
    assertCertificate(issued, terms);
    expect(await check(user, agent.publicKey, NOW - 1000, NOW - 301)).toBe('CERTIFICATE_INVALID:EXPIRED');
  });

  test('from the future; 300 s are tolerated', async () => {
    assertCertificate(issueCertificate(user, agent.publicKey, NOW + 300), terms);
    expect(await check(user, agent.publicKey, NOW + 301)).toBe('CERTIFICATE_INVALID:FUTURE');
  });

  test('of another agent, or by another user', async () => {
    expect(await check(user, mallory.publicKey, NOW)).toBe('CERTIFICATE_INVALID:OTHER_AGENT');
    expect(await check(mallory, agent.publicKey, NOW)).toBe('CERTIFICATE_INVALID:OTHER_AGENT');
  });

  test('whose end was cut off or changed', async () => {
    const issued = issueCertificate(user, agent.publicKey, NOW, NOW + 1000);
    for (const notAfter of [undefined, NOW + 2000])
      expect(await idOfFailure(() => assertCertificate({ ...issued, notAfter }, terms))).toBe(
        'CERTIFICATE_INVALID',
      );
  });

  test('in a file that is cut, too long, or none', async () => {
    const file = encodeCertificateFile(issueCertificate(user, agent.publicKey, NOW, NOW + 1));
    for (const wrong of [
      file.subarray(0, -1),
      new Uint8Array([...file, 0]),
      file.subarray(4),
      new Uint8Array(8).fill(255),
    ])
      expect(await idOfFailure(() => decodeCertificateFile(wrong))).toBe('CERTIFICATE_INVALID');
  });
});

describe('a key file', () => {
  const file = encodeKeyFile(agent);
  const opened = async (bytes: Uint8Array, mode = 0o600, name = 'agent.key') => {
    const folder = await temporaryFolder();
    const { identityDir } = placesIn(folder);
    await mkdir(identityDir, { recursive: true, mode: 0o700 });
    await writeFile(join(identityDir, name), bytes);
    await chmod(join(identityDir, name), mode);
    const failure = await failureOf(() => openIdentity(placesIn(folder)));
    expect(failure.field).toBe(name);
    expect(new Uint8Array(await readFile(join(identityDir, name)))).toEqual(Uint8Array.from(bytes)); // it is left as it is
    return failure.id;
  };

  test.each([0, 1, 3, 4, 8, 1959, 1968, 5999])('truncated to %d bytes', async (length) => {
    expect(await opened(file.subarray(0, length))).toBe('KEY_FILE_INVALID:TRUNCATED');
  });

  test('with something behind it', async () => {
    expect(await opened(new Uint8Array([...file, 0]))).toBe('KEY_FILE_INVALID:TRUNCATED');
  });

  test('of the other generation: the marker without the end, the end without the marker', async () => {
    const second = encodeKeyFile(agent, NOW);
    expect(await opened(new Uint8Array([...Buffer.from('X0K2'), ...file]))).toBe(
      'KEY_FILE_INVALID:TRUNCATED',
    );
    expect(await opened(second.subarray(4))).toBe('KEY_FILE_INVALID:TRUNCATED');
    expect(await opened(new Uint8Array([...Buffer.from('X0K3'), ...file]))).toBe(
      'KEY_FILE_INVALID:GENERATION',
    );
  });

  test('of another kind', async () => {
    expect(await opened(Buffer.from('-----BEGIN PRIVATE KEY-----'))).toBe('KEY_FILE_INVALID:KIND');
  });

  test('whose keys do not belong together', async () => {
    const mixed = Uint8Array.from(file);
    mixed.set(encodeKeyFile(mallory).subarray(1968), 1968);
    expect(await opened(mixed)).toBe('KEY_FILE_INVALID:MISMATCH');
    expect(await opened(mixed, 0o600, 'machine.key')).toBe('KEY_FILE_INVALID:MISMATCH');
    expect(await opened(mixed, 0o600, 'user.key')).toBe('KEY_FILE_INVALID:MISMATCH');
  });

  test.each([0o644, 0o640, 0o604, 0o620])('that others may use, mode %o', async (mode) => {
    expect(await opened(file, mode)).toBe('KEY_FILE_EXPOSED');
  });

  test('and the seed of the DID, too', async () => {
    const folder = await temporaryFolder();
    await openIdentity(placesIn(folder));
    await chmod(join(placesIn(folder).identityDir, 'xlink.pkcs8'), 0o644);
    const failure = await failureOf(() => openIdentity(placesIn(folder)));
    expect([failure.id, failure.field]).toEqual(['KEY_FILE_EXPOSED', 'xlink.pkcs8']);
  });

  test('says nothing of the key', async () => {
    const failure = await failureOf(() => decodeKeyFile(file.subarray(0, 5000)));
    expect(JSON.stringify([failure.message, String(failure.cause)])).not.toContain(
      Buffer.from(file).toString('hex').slice(40, 80),
    );
    expect(JSON.stringify(agent)).toBe(JSON.stringify({ id: agent.id }));
  });
});

describe('options and contexts', () => {
  test('names that there are not', async () => {
    expect((await failureOf(() => placesOf({ identitydir: 'x' } as never))).message).toContain(
      'did you mean identityDir?',
    );
    expect((await failureOf(() => X0xNode.open({ relayURL: 'x' } as never))).message).toContain(
      'did you mean relayUrl?',
    );
    expect(await idOfFailure(() => X0xNode.open({ heartbeatMs: 1 }))).toBe('INVALID_OPTION');
    for (const name of ['', 'A', '../x', 'a'.repeat(33)])
      expect(await idOfFailure(() => placesOf({ name }))).toBe('INVALID_OPTION');
  });

  test.each(['', 'A', 'a b', 'x'.repeat(65), 'certificate', 'announcement'])(
    'no application signs for %j',
    async (context) => {
      expect(await idOfFailure(() => externalBytes(context, new Uint8Array(1)))).toBe('REQUEST_INVALID');
    },
  );

  test('keys and ids of another length', async () => {
    expect(await idOfFailure(() => X0xKeyPair.fromSeed(new Uint8Array(31)))).toBe('KEY_INVALID');
    expect(await idOfFailure(() => X0xKeyPair.fromBytes(new Uint8Array(1952), new Uint8Array(1)))).toBe(
      'KEY_INVALID',
    );
  });

  test('two daemons on one directory: the second is told, the first goes on', async () => {
    const folder = await temporaryFolder();
    const first = await openNode(folder, 'a');
    expect(await idOfFailure(() => X0xNode.open(placesIn(folder, 'a')))).toBe('DIRECTORY_IN_USE');
    // One of the two directories is enough.
    const { identityDir, dataDir } = placesIn(folder, 'a');
    const other = placesIn(folder, 'b');
    expect(await idOfFailure(() => X0xNode.open({ identityDir, dataDir: other.dataDir }))).toBe(
      'DIRECTORY_IN_USE',
    );
    expect(await idOfFailure(() => X0xNode.open({ identityDir: other.identityDir, dataDir }))).toBe(
      'DIRECTORY_IN_USE',
    );
    await first.contacts.setTrust(agent.id, 'known');
    await first.close();
    expect((await openNode(folder, 'a')).contacts.get(agent.id)?.trustLevel).toBe('known');
  });

  test('a file of contacts that cannot be read stops the start: nobody would be blocked', async () => {
    const folder = await temporaryFolder();
    const { dataDir } = placesIn(folder, 'a');
    await mkdir(dataDir, { recursive: true });
    for (const text of [
      '',
      '{',
      '{"contacts":[{"agent_id":[1]}]}',
      `{"contacts":[{"agent_id":[${'1,'.repeat(31)}1],"trust_level":"friend","added_at":1}]}`,
    ]) {
      await writeFile(join(dataDir, 'contacts.json'), text);
      expect(await idOfFailure(() => X0xNode.open(placesIn(folder, 'a')))).toBe('CONTACTS_DAMAGED');
    }
  });

  test('every error says what is wrong and what to do', () => {
    for (const [id, row] of Object.entries(X0X_ERROR_TABLE)) {
      expect([id, row.message.endsWith('.'), row.hint.endsWith('.')]).toEqual([id, true, true]);
      expect(row.status).toBeGreaterThanOrEqual(400);
    }
  });
});
