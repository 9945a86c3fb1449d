import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import {
  AnswerNotSigned,
  checkAnswer,
  didOf,
  enroll,
  generateKey,
  signedFetch,
} from '../../clients/xlink.js';
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

/** With what a good key is refused when it enrolls, by mode of the API. */
const REFUSALS = [
  ['hybrid', undefined],
  ['xlink-only', 'XLINK_REQUIRED'],
] as const;
const WRONG_KEY = 'API_KEY_INVALID';
const BAD_INVITATION = 'INVITATION_REFUSED:MALFORMED';
const UNKNOWN = 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY';
/** What a client says of a refusal that nobody signed: status, code, whether there is a title, whether its text has them. */
const told = (code: string | undefined, status = 401) =>
  code === undefined ? null : [status, code, true, true];

describe('clients/xlink.ts', () => {
  test.each(REFUSALS)(
    'says why it was refused, and that nobody vouches for it: %s',
    async (mode, refused) => {
      const { api, apiKey } = await serveExample(mode);
      const options = { key: await generateKey(), service: api.did };
      const said = (call: Promise<unknown>) =>
        call.then(
          () => undefined,
          (error) => {
            expect(error).toBeInstanceOf(AnswerNotSigned);
            expect(error.message).toContain(`Not verified, it says: ${error.said.code} ${error.said.title}`);
            return `${error.status} ${error.said.code}`;
          },
        );
      expect({
        'wrong key': await said(enroll(api.url, options, 'wrong-key')),
        'bad invitation': await said(enroll(api.url, options, 'xinv_abc')),
        key: await said(enroll(api.url, options, apiKey)),
        'unknown identity': await said(
          signedFetch({ ...options, key: await generateKey() })(`${api.url}/orders`),
        ),
      }).toEqual({
        'wrong key': `401 ${WRONG_KEY}`,
        key: refused && `401 ${refused}`,
        'bad invitation': `400 ${BAD_INVITATION}`,
        'unknown identity': `401 ${UNKNOWN}`,
      });
    },
  );

  test.each([
    ['no problem document', 'text/html', '<h1>'],
    ['one that is not JSON', 'application/problem+json', '{'],
    ['null', 'application/problem+json', 'null'],
    [
      'a code and a title to deceive terminals',
      'application/problem+json',
      '{"code":"a b","title":"\\u001b[2J"}',
    ],
    ['one without end', 'application/problem+json', JSON.stringify({ code: 'X', title: 'x'.repeat(70_000) })],
  ])('repeats nothing of %s', async (_, type, body) => {
    const answering = (async () =>
      new Response(body, { status: 403, headers: { 'content-type': type } })) as typeof fetch;
    const call = signedFetch({ key: await generateKey(), service: answers.service.did, fetch: answering });
    const error = await call('https://api.example.com/').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      status: 403,
      said: {},
      message: expect.stringMatching(/not taken: it is not signed\.$/),
    });
  });

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

    test.each(['requests', 'httpx'].flatMap((library) => REFUSALS.map((row) => [library, ...row] as const)))(
      'says why it was refused, and that nobody vouches for it: %s, %s',
      async (library, mode, refused) => {
        const { api, apiKey } = await serveExample(mode);
        const folder = folderWith('xlink.py');
        copyFileSync(program('refused.py'), join(folder, 'refused.py'));
        const args = ['refused.py', api.url, api.did, apiKey, library];
        const { stdout, stderr } = await run(folder, python, args);
        expect([stderr, stdout && JSON.parse(stdout)]).toEqual([
          '',
          {
            'wrong key': told(WRONG_KEY),
            key: told(refused),
            'bad invitation': told(BAD_INVITATION, 400),
            'unknown identity': told(UNKNOWN),
            'open path': [200, null, false, expect.stringContaining('pass unsigned_ok=True')],
            'open path, unsigned_ok': 200,
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
  function goModule(main = 'main.go') {
    const folder = folderWith();
    mkdirSync(join(folder, 'xlink'));
    writeFileSync(join(folder, 'go.mod'), 'module example.com/test\n\ngo 1.19\n');
    copyFileSync(clientFile('xlink.go'), join(folder, 'xlink/xlink.go'));
    copyFileSync(program(main), join(folder, 'main.go'));
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

  test.each(REFUSALS)(
    'says why it was refused, and that nobody vouches for it: %s',
    async (mode, refused) => {
      const { api, apiKey } = await serveExample(mode);
      const { folder, env } = goModule('refused.go');
      const { stdout, stderr } = await run(folder, 'go', ['run', '.', api.url, api.did, apiKey], env);
      expect([stderr, stdout && JSON.parse(stdout)]).toEqual([
        '',
        {
          'wrong key': told(WRONG_KEY),
          key: told(refused),
          'bad invitation': told(BAD_INVITATION, 400),
          'unknown identity': told(UNKNOWN),
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
