import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { listen } from '../support/listen.js';
import { describeWith } from '../support/needs-program.js';
import { folderWith, run, serveExample } from './support.js';

const LONG = 60_000;

describeWith(['sh', 'curl', 'openssl', 'awk'], 'clients/xlink.sh', () => {
  async function made() {
    const { api, apiKey, customer } = await serveExample();
    const folder = folderWith('xlink.sh');
    const env = { XLINK_TO: api.did };
    const call = (...args: string[]) => run(folder, 'sh', ['xlink.sh', ...args], env);
    return { api, apiKey, customer, folder, call };
  }

  test(
    'enrolls, reads, writes and uploads',
    async () => {
      const { api, apiKey, folder, call } = await made();
      expect((await call('service', api.url)).stdout.trim()).toBe(api.did);
      const did = (await call('did')).stdout.trim();
      expect(did).toMatch(/^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/);
      expect((await call('did')).stdout.trim()).toBe(did);
      const enrolled = await call('enroll', api.url, apiKey);
      expect([enrolled.stderr, JSON.parse(enrolled.stdout).did]).toEqual(['', did]);

      writeFileSync(join(folder, 'order.json'), '{"product":"espresso-1kg","quantity":2}');
      const created = await call('POST', `${api.url}/orders`, 'order.json', 'application/json');
      const { id } = JSON.parse(created.stdout);
      const listed = await call('GET', `${api.url}/orders?limit=5`);
      expect(JSON.parse(listed.stdout).orders).toMatchObject([{ id, quantity: 2 }]);

      const document = Buffer.from(Array.from({ length: 20_000 }, (_, at) => at % 251));
      writeFileSync(join(folder, 'invoice.pdf'), document);
      const put = await call('PUT', `${api.url}/orders/${id}/document`, 'invoice.pdf', 'application/pdf');
      expect(JSON.parse(put.stdout)).toEqual({ id, type: 'application/pdf', bytes: 20_000 });
      const long = Buffer.alloc(150_000, 'xlink ');
      writeFileSync(join(folder, 'long.txt'), long);
      await call('PUT', `${api.url}/orders/${id}/document`, 'long.txt', 'text/plain');
      const got = await call('GET', `${api.url}/orders/${id}/document`); // signed in trailers
      expect([got.stderr, got.stdout === long.toString()]).toEqual(['', true]);
      expect((await call('DELETE', `${api.url}/orders/${id}`)).code).toBe(0);
    },
    LONG,
  );

  test(
    'says how it was refused, and that this is what the API said',
    async () => {
      const { api, call } = await made();
      const refused = await call('GET', `${api.url}/orders`);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining('VERIFICATION_FAILED'), // before the signature was good nobody signs an answer
      ]);
    },
    LONG,
  );

  test(
    'takes no answer that was changed on the way',
    async () => {
      const { api, apiKey, folder } = await made();
      let change = (body: string) => body;
      const proxy = createServer((req, res) => {
        const up = request(`${api.url}${req.url}`, { method: req.method, headers: req.headers }, (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (piece) => (text += piece));
          answer.on('end', () => {
            const changed = change(text);
            const headers = { ...answer.headers, 'content-length': Buffer.byteLength(changed) };
            res.writeHead(answer.statusCode!, headers).end(changed);
          });
        });
        req.pipe(up);
      });
      const { port } = await listen(proxy);
      const url = `http://127.0.0.1:${port}`;
      const call = (...args: string[]) => run(folder, 'sh', ['xlink.sh', ...args], { XLINK_TO: api.did });
      expect((await call('enroll', url, apiKey)).code).toBe(0);
      change = (body) => body.replace('[]', '[1]');
      const answer = await call('GET', `${url}/orders`);
      expect([answer.code, answer.stdout, answer.stderr]).toEqual([
        1,
        '',
        expect.stringContaining('the body is not the one that was signed'),
      ]);
    },
    LONG,
  );

  test('is the script of the page', () => {
    const page = readFileSync(new URL('../../docs/signatures.md', import.meta.url), 'utf8');
    const [, script] = /```sh file=xlink\.sh\n([\s\S]*?)```/.exec(page)!;
    expect(script).toBe(readFileSync(join(folderWith('xlink.sh'), 'xlink.sh'), 'utf8'));
  });
});
