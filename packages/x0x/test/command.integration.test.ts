import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { makeUserKey, openIdentity } from '../src/index.js';
import module from '../src/xlink-cli.js';
import { afterTest, keysOf, openNode, startRelay, temporaryFolder, until } from './support.js';

const PROGRAM = fileURLToPath(new URL('../dist/x0x.js', import.meta.url));
const other = keysOf('other').id;

// Needs the built packages: `npm run build`.
describe('x0x, as a program', () => {
  let home: string;
  beforeEach(async () => {
    home = await temporaryFolder();
  });

  const launch = (...args: string[]) => {
    const { XDG_DATA_HOME: _, ...env } = process.env;
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: { ...env, HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (part) => (said.out += String(part)));
    child.stderr.on('data', (part) => (said.err += String(part)));
    return { child, said, ended: once(child, 'close').then(([code]) => code as number) };
  };

  async function x0x(...args: string[]) {
    const { said, ended } = launch(...args);
    const code = await ended;
    return { code, out: said.out.trimEnd(), err: said.err.trimEnd() };
  }

  const places = () => ({ identityDir: join(home, '.x0x'), dataDir: join(home, '.local/share/x0x') });

  test('gives an agent an identity that is there at the next call, too', async () => {
    const first = await x0x('agent');
    expect(first).toMatchObject({ code: 0, err: '' });
    const identity = await openIdentity(places());
    expect(first.out).toBe(
      `agent    ${identity.agent.id}\nmachine  ${identity.machine.id}\ndid      ${identity.xlink.did}`,
    );
    expect((await x0x('agent')).out).toBe(first.out);
    expect((await x0x('agent', '--name', 'alice')).out).not.toBe(first.out);
    expect((await x0x('agent', 'user-id')).out).toBe('none: there is no user.key');
    const userId = await makeUserKey(places());
    expect((await x0x('agent', 'user-id')).out).toBe(userId);
  });

  test('makes cards and imports them, in the words of x0x and in its own', async () => {
    for (const words of [
      ['agent', 'card', 'Friend'],
      ['card', 'Friend'],
    ]) {
      const { out } = await x0x(...words, '--name', 'friend');
      expect(out).toMatch(/^x0x:\/\/agent\/[\w-]+$/);
      const imported = await x0x(
        ...(words[0] === 'agent' ? ['agent', 'import'] : ['import']),
        out,
        '--trust',
        'known',
      );
      expect(imported.out).toMatch(/^agent {2}[0-9a-f]{64}\nname {3}Friend\ntrust {2}known/);
    }
    const { out } = await x0x('contacts', '--json');
    expect(JSON.parse(out)).toMatchObject({ contacts: [{ trust_level: 'known', label: 'Friend' }] });
    expect((await x0x('card', '--include-user-identity')).err).toContain('--human-consent');
  });

  test('trusts, and says what comes of it', async () => {
    await x0x('trust', other, 'trusted');
    expect((await x0x('trust', other, '--machine', other)).out).toBe('Accept');
    await x0x('trust', other, 'blocked');
    expect((await x0x('trust', other, '--machine', other)).out).toBe('RejectBlocked');
    expect((await x0x('contacts')).out).toBe(`${other}  blocked`);
  });

  test('revokes only if it is meant, and only what it may', async () => {
    const identity = await openIdentity(places());
    expect(await x0x('revoke', identity.agent.id)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--yes'),
    });
    expect((await x0x('revoke', other, '--yes')).err).toContain('Only an agent or machine itself');
    expect((await x0x('revoke', `machine:${identity.machine.id}`, '--yes')).out).toBe(
      `revoked  machine ${identity.machine.id}`,
    );
  });

  test.each<[string[], string]>([
    [['nothing'], 'there is no command "nothing"'],
    [['agent', 'other'], 'takes'],
    [['import'], 'import takes 1 word, not 0'],
    [['trust', other], 'give a level to set'],
    [['agent', '--nothing'], '--nothing'],
    [['start', '--api-port', 'x'], '--api-port must be a port'],
    [['start', '--json'], 'start has no option --json'],
    [['trsut', other], 'did you mean trust?'],
    [['agent', '--nmae', 'x'], 'did you mean --name?'],
    [['contacts', '--trust', 'known'], 'contacts takes no --trust'],
    [['import', 'x0x://agent/AAAA', '--trust', 'bogus'], 'There is no such trust level'],
    [['trust', other, 'bogus'], 'There is no such trust level'],
    [['trust', 'deadbeef', 'known'], 'That is no id'],
    [['agent', '--name', 'Bad Name'], 'name must be 1 to 32'],
    [['announce', '--include-user-identity'], '--human-consent'],
    [['user-key'], '--yes'],
    [[''], 'a command is required'],
  ])('%j is a wrong call', async (args, words) => {
    const { code, err } = await x0x(...args);
    expect([code, err.includes(words), err.includes('x0x --help')]).toEqual([2, true, true]);
  });

  test('makes the key of a human once, and pins machines', async () => {
    const { out } = await x0x('user-key', '--yes');
    expect((await x0x('agent', 'user-id')).out).toBe(/^user {5}([0-9a-f]{64})$/m.exec(out)?.[1]);
    expect((await x0x('user-key', '--yes')).err).toContain('There is a user key already');
    expect((await x0x('trust', other, 'KNOWN')).out).toBe(
      `${other}  known\nA new contact: its card was never imported here.`,
    );
    expect((await x0x('pin', other, other)).out).toBe(`pinned  ${other}`);
    expect((await x0x('trust', other, '--machine', '0'.repeat(64))).out).toBe('RejectMachineMismatch');
    expect((await x0x('unpin', other, other)).out).toBe('unpinned');
  });

  test('help about one command, the version, and errors as JSON', async () => {
    expect((await x0x('help', 'revoke')).out).toMatch(/^Usage: x0x .*\n\n {2}revoke ID --yes/);
    expect((await x0x('--version')).out).toMatch(/^\d+\.\d+\.\d+$/);
    const failed = await x0x('announce', '--json');
    expect([failed.code, JSON.parse(failed.out)]).toEqual([
      1,
      { ok: false, code: 'NOT_CONNECTED', error: expect.stringContaining('There is no relay') },
    ]);
  });

  test('start serves the API, meets others at a relay, and ends in good order; meanwhile commands ask it', async () => {
    const relayUrl = await startRelay();
    const { child, said, ended } = launch('start', '--relay', relayUrl, '--api-port', '0');
    afterTest(() => child.kill('SIGKILL'));
    await until('it runs', () => said.out.includes('relay    '));
    expect(said.out).toMatch(
      /^agent {4}[0-9a-f]{64}\nmachine {2}[0-9a-f]{64}\napi {6}http:\/\/127\.0\.0\.1:\d+ /,
    );
    const friend = await openNode(await temporaryFolder(), 'friend', { relayUrl });
    expect((await x0x('import', (await friend.card({ displayName: 'Friend' })).link)).out).toContain(
      'Friend',
    );
    await friend.importCard((await x0x('card', 'Started')).out);
    expect((await x0x('announce')).out).toBe('announced to 1 peer');
    const { agent } = await openIdentity(places());
    await until(
      'the friend hears of it',
      () => friend.discovery.get(agent.id, friend.now())?.source === 'announcement',
    );
    const second = await x0x('start', '--api-port', '0');
    expect([second.code, second.err]).toEqual([
      1,
      expect.stringContaining('Another process uses the directories'),
    ]);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(said.out).toMatch(/stopped\n$/);
    expect((await x0x('announce')).err).toContain('no relay');
  });

  test('is a module of xlink, which knows a wrong call by its code', async () => {
    const { name, commands } = module;
    expect([name, Object.keys(commands)]).toEqual(['x0x', ['x0x']]);
    const { run, help, summary } = commands['x0x']!;
    const lines: string[] = [];
    const output = { out: (line: string) => void lines.push(line), err: () => {} };
    const { identityDir, dataDir } = places();
    const where = ['--identity-dir', identityDir, '--data-dir', dataDir];
    expect(await run(['agent', ...where], output)).toBe(0);
    expect(lines[0]).toMatch(/^agent {4}[0-9a-f]{64}$/);
    for (const wrong of [['nothing'], ['agent', '--nothing'], []])
      await expect(run(wrong, output)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_PARSE_ARGS/),
      });
    expect([help, summary].every((text) => text.length > 20)).toBe(true);
  });
});
