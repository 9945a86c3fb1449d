// `xlink`: from the wing where it is installed, else by npx from a registry, else a sentence.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, bin, install, node, workshop } from './kit.mjs';
import { serveRegistry } from './registry.mjs';

export default async function command({ root, cli, x0x }) {
  const both = install('wing', [root, cli]);
  attempt('xlink runs the installed wing', [bin(both, 'xlink', 'relay', '--help')], { says: '--data DIR' });
  const ofRoot = join('node_modules/@private.me/xlink/bin/xlink.mjs');
  attempt('xlink of the root runs the installed wing', [node(both, ofRoot, 'relay', '--help')], {
    says: '--data DIR',
  });
  attempt('xlink hands on the exit code', [node(both, ofRoot, 'relais')], { wanted: 2, says: 'no command' });

  const alone = install('no-wing', [root]);
  attempt('xlink without the wing says what to run', [bin(alone, 'xlink', 'relay', '--help')], {
    wanted: 1,
    says: 'npm install --save-dev @private.me/xlink-cli',
  });

  const agent = install('x0x', [root, x0x]);
  const env = { HOME: agent, XDG_DATA_HOME: '' };
  attempt('x0x gives an agent an identity', [bin(agent, 'x0x', 'agent')], { env, says: 'did:key:z6Mk' });
  attempt('and a card of it', [bin(agent, 'x0x', 'card', 'MyAgent')], { env, says: 'x0x://agent/' });

  const registry = await serveRegistry([root, cli]);
  try {
    const empty = join(workshop, 'npx');
    mkdirSync(empty);
    writeFileSync(join(empty, 'package.json'), '{ "private": true }');
    writeFileSync(join(empty, '.npmrc'), `@private.me:registry=${registry.url}\n`);
    const env = { npm_config_cache: join(workshop, 'npx-cache') };
    const npx = ['npx', ['--yes', '@private.me/xlink', 'relay', '--help'], empty];
    attempt('npx @private.me/xlink gets the wing by npx', [npx], { env, says: '--data DIR' });
  } finally {
    registry.stop();
  }
}
