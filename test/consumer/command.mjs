// `xlink`: from the wing where it is installed, else by npx from a registry, else a sentence.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, bin, expectNone, install, node, workshop } from './kit.mjs';
import { serveRegistry } from './registry.mjs';

export default async function command({ root, cli, x0x }) {
  const both = install('wing', [root, cli]);
  attempt('xlink runs the installed wing', [bin(both, 'xlink', 'relay', '--help')], { says: '--data DIR' });
  const ofRoot = join('node_modules/@private.me/xlink/bin/xlink.mjs');
  attempt('xlink of the root runs the installed wing', [node(both, ofRoot, 'relay', '--help')], {
    says: '--data DIR',
  });
  attempt('xlink hands on the exit code', [node(both, ofRoot, 'relais')], { wanted: 2, says: 'no command' });

  await connects(both);

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
    const init = ['npx', ['--yes', '@private.me/xlink', 'init', '--name', 'my-service'], empty];
    attempt('npx @private.me/xlink init makes an identity', [init], { env, says: '"status": "initialized"' });
    const onboard = [
      'npx',
      ['--yes', '@private.me/xlink', 'xlink-onboard', '--invite', 'XLK-abc123def456'],
      empty,
    ];
    attempt('npx @private.me/xlink xlink-onboard is init', [onboard], {
      env,
      wanted: 10,
      says: 'not an invitation',
    });
  } finally {
    registry.stop();
  }
}

/** From an invite in one folder to a project in another one that sends, with nothing but what was installed. */
async function connects(both) {
  const xlink = (...args) =>
    JSON.parse(
      execFileSync(...bin(both, 'xlink', ...args, '--json').slice(0, 2), {
        cwd: both,
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
  xlink('init', '--name', 'billing');
  const { code } = xlink('invite', 'shop', '--scope', 'orders');
  const [command, args] = bin(both, 'xlink', 'receive', '--count', '2');
  const receiver = spawn(command, args, { cwd: both, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(receiver, 'exit');
  await once(receiver.stderr, 'data'); // it says that it listens
  const shop = join(workshop, 'shop');
  mkdirSync(shop);
  symlinkSync(join(both, 'node_modules'), join(shop, 'node_modules'));
  const init = [
    bin(both, 'xlink-onboard', '--name', 'shop', '--invite', code)[0],
    ['--name', 'shop', '--invite', code],
    shop,
  ];
  const send =
    "const { agent, sendToPartner } = await import('./xlink-client.js'); console.log(await sendToPartner({ n: 1 })); agent.dispose(); process.exit()";
  attempt('xlink-onboard connects an empty folder', [init], { says: 'Test message sent successfully' });
  attempt('the code that it wrote sends', [node(shop, '--input-type=module', '-e', send)]);
  const [status] = await ended;
  expectNone('both messages have come', status === 0 ? [] : [`xlink receive ended with ${status}`]);
}
