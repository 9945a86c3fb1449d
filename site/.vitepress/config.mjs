import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const root = fileURLToPath(new URL('../..', import.meta.url));
const docs = resolve(root, 'docs');
const REPOSITORY = 'https://github.com/private-me/xlink/blob/main/';

/** Pages lie in docs/ and link to what lies beside it, such as clients/: that is in the repository, not on the site. */
function linksOutOfDocs(markdown) {
  const inherited = markdown.renderer.rules.link_open;
  markdown.renderer.rules.link_open = (tokens, index, options, env, self) => {
    const written = tokens[index].attrGet('href') ?? '';
    const href = written.replace(/(^|\/)README\.md(?=#|$)/, '$1index.md');
    const [path] = href.split('#');
    const target = resolve(dirname(resolve(docs, env.relativePath)), written.split('#')[0]);
    if (href !== written && !relative(docs, target).startsWith('..')) tokens[index].attrSet('href', href);
    if (
      path !== '' &&
      !/^\w+:|^\//.test(path) &&
      relative(docs, target).startsWith('..') &&
      existsSync(target)
    )
      tokens[index].attrSet(
        'href',
        REPOSITORY + relative(root, target) + written.slice(written.split('#')[0].length),
      );
    return inherited(tokens, index, options, env, self);
  };
}

/** Queries of Prometheus, which have no grammar here, as text. */
const promql = { name: 'promql', scopeName: 'source.promql', patterns: [] };

const page = (text, link) => ({ text, link });

export default defineConfig({
  title: 'xLink',
  description: 'Cryptographic identities in the place of API keys',
  srcDir: './pages',
  outDir: './dist',
  // A leading ./ is resolved against the page; the repository's own check (npm run check) covers all links.
  ignoreDeadLinks: [/^\.{0,2}\/?\.\.\//],
  lastUpdated: false,
  markdown: {
    config: linksOutOfDocs,
    theme: { light: 'github-light', dark: 'github-dark' },
    languages: [promql],
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('I run an API', '/run-an-api'),
      page('I call an API', '/call-an-api'),
      page('I must approve this', '/approve'),
      page('At 3 a.m.', '/on-call'),
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          page('I run an API', '/run-an-api'),
          page('I call an API', '/call-an-api'),
          page('I must approve this', '/approve'),
          page('At 3 a.m.', '/on-call'),
        ],
      },
      {
        text: 'Run an API',
        items: [
          page('Migration', '/migration'),
          page('Frameworks', '/frameworks'),
          page('Testing', '/testing'),
          page('TypeScript', '/typescript'),
          page('Dashboard', '/dashboard'),
          page('Stores', '/stores'),
          page('Operations', '/operations'),
          page('Metrics', '/metrics'),
          page('Alerts', '/alerts'),
          page('Logs and traces', '/observability'),
          page('Events', '/events'),
        ],
      },
      {
        text: 'Call an API',
        items: [page('Client and fetch', '/client'), page('Without our library', '/signatures')],
      },
      {
        text: 'Agents',
        items: [
          page('Transports and relay', '/transports'),
          page('Messages in shares', '/split-channel'),
          page('XorIDA', '/xorida'),
        ],
      },
      {
        text: 'How it works',
        items: [
          page('Protocol', '/PROTOCOL'),
          page('Lifecycle of a request', '/lifecycle'),
          page('Threat model', '/threat-model'),
          page('Known attacks', '/known-attacks'),
          page('Machine-checked model', '/proofs'),
          page('Architecture', '/architecture'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('API', '/api/'),
          page('Errors', '/errors'),
          page('Names in the white papers', '/papers-api'),
        ],
      },
    ],
  },
});
