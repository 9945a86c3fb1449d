// The snippets of docs/signatures.md, run as they stand in an empty folder, in every mode that takes them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Mode } from '@private.me/xlink';
import { DASHBOARD_PASSWORD } from '../examples/api.js';
import { describeWith, findProgram } from '../support/needs-program.js';
import { folderWith, run, serveExample } from './support.js';

const page = readFileSync(new URL('../../docs/signatures.md', import.meta.url), 'utf8');
/** The blocks behind whose language stands this. */
const blocks = (language: string, note: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language} ${note}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, text]) => text!,
  );

const python = ['/usr/bin/python3', 'python3'].find((file) => existsSync(file))!;
const hasPython = existsSync('/usr/lib/python3/dist-packages/requests');
const PROGRAMS = ['sh', 'curl', 'openssl', 'python3'];

describeWith(hasPython ? PROGRAMS : [...PROGRAMS, 'python3-requests'], 'docs/signatures.md', () => {
  test.each<Mode>(['hybrid', 'deprecation', 'xlink-only'])(
    'gets a customer through its day in mode %s',
    async (mode) => {
      // with the keys off nobody enrolls by one any more
      const { api } = await serveExample(mode === 'xlink-only' ? 'deprecation' : mode);
      const customers = [await api.customer('curl'), await api.customer('python')];
      const folder = folderWith('xlink.py');
      writeFileSync(join(folder, 'xlink.sh'), blocks('sh', 'file=xlink.sh').join(''));
      writeFileSync(join(folder, 'day.py'), blocks('py', 'file=day.py').join(''));
      const [toFind, toEnroll, ...toWork] = blocks('sh', 'run');
      expect(toWork.length).toBeGreaterThan(1);
      // nothing else is to be had
      const PATH = [...new Set(PROGRAMS.map((name) => dirname(findProgram(name)!)))].join(':');
      const env = { API: api.url, XLINK_TO: api.did, PATH };
      const shell = async (lines: string[], more: object = {}) => {
        const { code, stderr } = await run(folder, 'sh', ['-euc', lines.join('\n')], { ...env, ...more });
        expect([code, stderr]).toEqual([0, '']);
      };
      const day = async (more: object = {}) => {
        const { code, stderr } = await run(folder, python, ['day.py'], { ...env, ...more });
        expect([code, stderr]).toEqual([0, '']);
      };
      await shell([toFind!, toEnroll!], { API_KEY: customers[0]!.apiKey });
      await day({ API_KEY: customers[1]!.apiKey });
      await api.admin('PUT', '/mode', { mode });
      await shell([toFind!, ...toWork]);
      await day();
      const { body } = await api.anonymous.get('/dashboard?format=json').auth('operator', DASHBOARD_PASSWORD);
      const rows = body.clients.rows.map(
        ({ name, state, keyRequests, xlinkRequests, signatureRequests }: never) => [
          name,
          state,
          keyRequests,
          xlinkRequests === signatureRequests,
        ],
      );
      expect(rows).toEqual(
        expect.arrayContaining([
          ['curl', 'moved', 0, true],
          ['python', 'moved', 0, true],
        ]),
      );
    },
    120_000,
  );
});
