import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { checkAnswer, didOf, enroll, generateKey, signedFetch } from '../../clients/xlink.js';
import { describeWith, verdictOn } from '../support/needs-program.js';
import { FOLDER, load } from '../vectors/load.js';
import { clientFile, folderWith, run, serveExample } from './support.js';

const LONG = 120_000;
const VECTORS = fileURLToPath(new URL('signature/answers.json', FOLDER));
const program = (name: string) => fileURLToPath(new URL(`./programs/${name}`, import.meta.url));

interface Answers {
  readonly service: { readonly did: string };
  readonly request: Asked;
  readonly good: readonly Case[];
  readonly bad: readonly Case[];
}
interface Asked {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly [string, string][];
}
interface Case {
  readonly name: string;
  readonly request?: Asked;
  readonly status: number;
  readonly headers: readonly [string, string][];
  readonly body: string;
}
const answers = load<Answers>('signature/answers.json');
const goodNames = answers.good.map(({ name }) => name);

describe('clients/xlink.ts', () => {
  test('enrolls, reads, writes and uploads', async () => {
    const { api, apiKey } = await serveExample();
    const key = await generateKey();
    const options = { key, service: api.did };
    expect(await enroll(api.url, options, apiKey)).toMatchObject({ did: await didOf(key.publicKey) });
    const call = signedFetch(options);
    const json = (body: unknown) => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', 'if-none-match': '"x"' },
      body: JSON.stringify(body),
    });
    const created = await call(`${api.url}/orders`, json({ product: 'espresso-1kg', quantity: 2 }));
    const { id } = await created.json();
    expect(created.headers.get('location')).toBe(`/orders/${id}`);
    expect(await (await call(`${api.url}/orders?q=a%20b+c`)).json()).toMatchObject({ orders: [{ id }] });
    const document = Uint8Array.from({ length: 20_000 }, (_, at) => at % 251);
    const to = `${api.url}/orders/${id}/document`;
    expect((await call(to, { method: 'PUT', body: document })).status).toBe(201);
    expect(new Uint8Array(await (await call(to)).arrayBuffer())).toEqual(document);
    expect((await call(`${api.url}/orders/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await call(`${api.url}/orders/${id}`)).status).toBe(404);
  });

  test.each([...answers.good, ...answers.bad].map((one) => [one.name, one] as const))(
    'judges the answer of the vectors: %s',
    async (name, { request = answers.request, status, headers, body }) => {
      const asked = new Headers([...request.headers]);
      const [path, query = ''] = request.target.split('?');
      const components = {
        '"@method";req': request.method,
        '"@path";req': path!,
        '"@query";req': `?${query}`,
        '"signature";req;key="xlink"': /^xlink=(:[^:]*:)/.exec(asked.get('signature')!)![1]!,
      };
      const nonce = /nonce="([^"]*)"/.exec(asked.get('signature-input')!)![1]!;
      const judged = checkAnswer(
        { service: answers.service.did, nonce, components },
        status,
        new Headers([...headers]),
        Buffer.from(body),
      );
      const isTaken = await judged.then(
        () => true,
        () => false,
      );
      expect([name, isTaken]).toEqual([name, goodNames.includes(name)]);
    },
  );
});

/** Debian's Python sees Debian's packages; one in front of it in the PATH may not. */
const python = ['/usr/bin/python3', 'python3'].find((file) => file === 'python3' || existsSync(file))!;
const PACKAGES = '/usr/lib/python3/dist-packages';
const hasPackages = ['cryptography', 'requests', 'httpx'].every((name) => existsSync(join(PACKAGES, name)));
const describePython =
  hasPackages || verdictOn(['python3-cryptography']) === 'fail' ? describe : describe.skip;

describePython(
  hasPackages
    ? 'clients/xlink.py'
    : 'clients/xlink.py [skipped: python3-cryptography, python3-requests or python3-httpx not installed]',
  () => {
    test.each(['requests', 'httpx'])(
      'enrolls, reads, writes and uploads with %s',
      async (library) => {
        const { api, apiKey } = await serveExample();
        const folder = folderWith('xlink.py');
        const { stdout, stderr } = await run(
          folder,
          python,
          ['-c', `import runpy, sys; sys.path.insert(0, '.'); sys.argv.pop(0); runpy.run_path(sys.argv[0])`]
            .concat(program('main.py'))
            .concat([api.url, api.did, apiKey, library]),
        );
        expect([stderr, stdout && JSON.parse(stdout)]).toEqual([
          '',
          {
            did: expect.stringMatching(/^did:key:z6Mk/),
            statuses: [201, 200, 201, 200, 204, 404],
            orders: 1,
            same: true,
          },
        ]);
      },
      LONG,
    );

    test(
      'judges the answers of the vectors',
      async () => {
        const folder = folderWith('xlink.py');
        copyFileSync(program('vectors.py'), join(folder, 'vectors.py'));
        const { stdout, stderr } = await run(folder, python, ['vectors.py', VECTORS]);
        expect([stderr, stdout && JSON.parse(stdout)]).toEqual(['', goodNames]);
      },
      LONG,
    );
  },
);

describeWith(['go'], 'clients/xlink.go', () => {
  /** A module with the client in a package of its own. */
  function goModule() {
    const folder = folderWith();
    mkdirSync(join(folder, 'xlink'));
    writeFileSync(join(folder, 'go.mod'), 'module example.com/test\n\ngo 1.19\n');
    copyFileSync(clientFile('xlink.go'), join(folder, 'xlink/xlink.go'));
    copyFileSync(program('main.go'), join(folder, 'main.go'));
    copyFileSync(program('vectors_test.go'), join(folder, 'xlink/vectors_test.go'));
    return { folder, env: { GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local', VECTORS } };
  }

  test(
    'enrolls, reads, writes and uploads',
    async () => {
      const { api, apiKey } = await serveExample();
      const { folder, env } = goModule();
      const { stdout, stderr } = await run(folder, 'go', ['run', '.', api.url, api.did, apiKey], env);
      expect([stderr, stdout && JSON.parse(stdout)]).toEqual([
        '',
        {
          did: expect.stringMatching(/^did:key:z6Mk/),
          statuses: [201, 200, 201, 200, 204, 404],
          same: true,
        },
      ]);
    },
    LONG,
  );

  test(
    'judges the answers of the vectors, and is formatted',
    async () => {
      const { folder, env } = goModule();
      const { code, stdout, stderr } = await run(folder, 'go', ['test', './xlink'], env);
      expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('ok')]);
      expect((await run(folder, 'go', ['vet', './...'], env)).stderr).toBe('');
    },
    LONG,
  );
});
