import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { testWhere } from './support/needs.js';
import { Partner } from './support/partner.js';
import { hasTerminals, Terminal } from './support/terminal.js';

const atTerminal = testWhere(hasTerminals);
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

describe('at a terminal', () => {
  let folder: string;
  const terminals: Terminal[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-walk-'));
  });
  afterEach(async () => {
    for (const terminal of terminals.splice(0)) await terminal.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(name: string): Promise<Terminal> {
    const cwd = join(folder, name);
    await mkdir(cwd, { recursive: true });
    const terminal = await Terminal.open(cwd, join(folder, 'bin'));
    terminals.push(terminal);
    return terminal;
  }

  atTerminal('from two empty folders to a sealed message: under 12 typed lines and 15 s', async () => {
    const [here, there] = [await open('billing'), await open('shop')];
    const started = performance.now();
    here.type('xlink init --name billing');
    await here.until(/"status": "initialized"/);
    here.type('xlink invite shop --scope orders');
    const [, code] = await here.until(/"code": "(XLK-[\w-]+)"/);
    here.type('xlink receive');
    await here.until(/listening http/);
    there.type(`xlink init --invite ${code}`);
    await there.until(/\? Select your framework \(Node\.js\): /);
    there.type('');
    await there.until(/\? Project name \(shop\): /);
    there.type('');
    await there.until(/Accept the invite, and write this\? y\/n \(y\): /);
    there.type('y');
    await there.until(
      /✓ Generated identity: did:key:z6Mk\w+\r\n✓ Configured trust registry\r\n✓ Created xlink-client\.js\r\n/,
    );
    await there.until(/✓ Test message sent successfully\r\nReady to integrate\. Run: npm install/);
    const [, received] = await here.until(/(\{"status":"received".*\})\r\n/);
    const seconds = (performance.now() - started) / 1000;
    expect(JSON.parse(received!)).toMatchObject({
      scope: 'orders',
      encrypted: true,
      payload: { from: 'shop' },
    });
    expect(here.typed + there.typed).toBeLessThan(12);
    expect(seconds).toBeLessThan(15);
    // And once more, by hand.
    there.type(`xlink send --to billing --payload '{"n":1}'`);
    await there.until(/"status": "sent"/);
    expect(JSON.parse((await here.until(/(\{"status":"received".*\})\r\n/))[1]!)).toMatchObject({
      payload: { n: 1 },
    });
    here.press(CTRL_C);
    await here.until(/\$ $/);
    expect(await here.exitCode()).toBe(0);
  });

  const PROMPTS = [/framework \(.*\): $/, /Project name \(.*\): $/, /y\/n \(y\): $/];

  atTerminal.each([0, 1, 2])(
    'Ctrl-C and Ctrl-D at prompt %d leave nothing behind, with exit code 130',
    async (at) => {
      const partner = await Partner.open();
      try {
        const terminal = await open('empty');
        const code = await partner.invite();
        for (const key of [CTRL_C, CTRL_D]) {
          terminal.type(`xlink init --invite ${code}`);
          for (const prompt of PROMPTS.slice(0, at)) {
            await terminal.until(prompt);
            terminal.type('');
          }
          await terminal.until(PROMPTS[at]!);
          terminal.press(key);
          await terminal.until(/Ended before anything was done\.\r\n\$ $/);
          expect(await terminal.exitCode()).toBe(130);
          expect(await readdir(join(folder, 'empty'))).toEqual([]);
        }
        expect(await partner.invites.list()).toMatchObject([{ state: 'open' }]);
      } finally {
        partner.close();
      }
    },
  );

  atTerminal('a lost terminal ends a question, and leaves nothing behind', async () => {
    const partner = await Partner.open();
    try {
      const terminal = await open('empty');
      terminal.type(`xlink init --invite ${await partner.invite()}; echo over > ../over`);
      await terminal.until(PROMPTS[0]!);
      await terminal.close();
      terminals.splice(0);
      expect(await readdir(join(folder, 'empty'))).toEqual([]);
    } finally {
      partner.close();
    }
  });

  atTerminal('no is an answer, and a passphrase is not shown', async () => {
    const terminal = await open('quiet');
    terminal.type('xlink init --name quiet --encrypt');
    await terminal.until(/New passphrase: /);
    terminal.type('correct horse');
    await terminal.until(/Once more: /);
    terminal.type('correct horse');
    const shown = await terminal.until(/[\s\S]*"status": "initialized"/);
    expect(shown[0]).not.toContain('horse');
    terminal.type('xlink revoke --did did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw');
    await terminal.until(/Revoke did:key:\w+\? y\/n \(y\): $/);
    terminal.type('n');
    await terminal.until(/\$ $/);
    expect(await terminal.exitCode()).toBe(1);
  });
});
