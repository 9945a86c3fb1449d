import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { verdictOn } from '../support/needs-program.js';
import { folderWith, run, serveExample } from './support.js';

/** Debian's Python sees Debian's packages; one in front of it in the PATH may not. */
const PYTHON = '/usr/bin/python3';
const isThere = existsSync('/usr/lib/python3/dist-packages/cryptography');
const describePython = isThere || verdictOn(['python3-cryptography']) === 'fail' ? describe : describe.skip;

describePython(
  isThere
    ? 'clients/xlink_sealed.py'
    : 'clients/xlink_sealed.py [skipped: python3-cryptography not installed]',
  () => {
    test.each([
      [1, ['xlink_sealed.py', 'xlink_mldsa.py']],
      [2, ['xlink_sealed.py', 'xlink_mldsa.py', 'xlink_mlkem.py']],
    ])(
      'enrolls, and calls the API sealed in version %d',
      async (version, files) => {
        const { api, apiKey } = await serveExample();
        const folder = folderWith(...files);
        const call = (...args: string[]) =>
          run(folder, PYTHON, ['xlink_sealed.py', api.url, '--local', '--version', String(version), ...args]);
        const json = (value: unknown) => ['--type', 'application/json', '--data', JSON.stringify(value)];
        const order = { product: 'espresso-1kg', quantity: 2 };

        const created = await call('--key', apiKey, 'POST', '/orders', ...json(order));
        expect([created.code, created.stderr]).toEqual([0, expect.stringMatching(/^201 .*\(sealed\)\n/)]);
        const { id } = JSON.parse(created.stdout);
        expect(JSON.parse(created.stdout)).toMatchObject(order);

        // from now on without the key, and what is refused behind the claim is refused by the service itself
        const put = await call('PUT', `/orders/${id}/document`, '--type', 'text/plain', '--data', 'bytes');
        expect([put.code, JSON.parse(put.stdout)]).toEqual([0, { id, type: 'text/plain', bytes: 5 }]);
        const missing = await call('DELETE', '/orders/999999');
        expect([missing.code, missing.stderr]).toEqual([0, expect.stringMatching(/^404 .*\(sealed\)\n/)]);

        const pinned = await call('--did', api.did, 'DELETE', `/orders/${id}`);
        expect([pinned.code, pinned.stderr]).toEqual([0, expect.stringMatching(/^204 /)]);
        const other = 'did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd';
        const wrong = await call('--did', other, 'DELETE', `/orders/${id}`);
        expect([wrong.code, wrong.stderr]).toEqual([
          1,
          expect.stringContaining('DISCOVERY_FAILED:OTHER_IDENTITY'),
        ]);
      },
      60_000,
    );

    test('says what version 2 needs', async () => {
      const folder = folderWith('xlink_sealed.py');
      const { code, stderr } = await run(folder, PYTHON, [
        ...['xlink_sealed.py', 'https://api.example.com', '--version', '2', 'POST', '/'],
      ]);
      expect([code, stderr]).toEqual([1, expect.stringContaining('xlink_mlkem.py')]);
    });
  },
);
