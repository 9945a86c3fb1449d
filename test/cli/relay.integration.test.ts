import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, GatewayTransport, MemoryNonceStore, MemoryTrustRegistry } from '@private.me/xlink';
import { WebSocket } from 'ws';
import { commands } from '../../src/cli/commands.js';
import { relayCommand } from '../../src/cli/relay.js';
import { run } from '../../src/cli/run.js';
import { Program } from '../relay/process.js';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { BuiltPackage } from '../support/built-package.js';
import { idOf, unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

async function call(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(args, commands, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('xlink', () => {
  test.each([[['--help']], [['-h']], [['help']]])('%j lists the commands', async (args) => {
    const { code, out } = await call(...args);
    expect([code, out]).toEqual([0, expect.stringContaining('relay  keep messages')]);
  });

  test('without a command, or with an unknown one, is a wrong call', async () => {
    expect((await call()).code).toBe(2);
    for (const name of ['relais', 'constructor', '__proto__']) {
      const { code, err } = await call(name);
      expect([code, err]).toEqual([2, expect.stringContaining('there is no command')]);
    }
  });

  test('relay --help names every option and fits a terminal', async () => {
    const { code, out } = await call('relay', '--help');
    expect(code).toBe(0);
    for (const option of ['--data', '--port', '--host', '--allow', '--days', '--sends-per-minute'])
      expect(out).toContain(option);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
    expect(out).toBe(relayCommand.help);
  });

  test.each([
    [['relay'], '--data is required'],
    [['relay', '--data', 'x', '--port', '70000'], '--port must be'],
    [['relay', '--data', 'x', '--days', '8'], '--days must be'],
    [['relay', '--data', 'x', '--mailbox-bytes', '1e9'], '--mailbox-bytes must be'],
    [['relay', '--dat', 'x'], 'Unknown option'],
    [['relay', 'extra', '--data', 'x'], 'Unexpected argument'],
  ])('%j is a wrong call', async (args, text) => {
    const { code, err } = await call(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(text)]);
  });

  test('relay says what is wrong with its files', async () => {
    const folder = await temporaryFolder();
    const allow = join(folder, 'allow');
    await writeFile(allow, '# people\n\nnobody\n');
    const wrong = await call('relay', '--data', folder, '--allow', allow);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('line 3')]);
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data/identity.pkcs8'), 'no key');
    const broken = await call('relay', '--data', join(folder, 'data'));
    expect([broken.code, broken.err]).toEqual([1, expect.stringContaining('PKCS#8')]);
  });
});

describe('xlink relay, as a program', () => {
  let built: BuiltPackage;
  beforeAll(() => {
    built = new BuiltPackage();
  }, 120_000);
  afterAll(() => built.remove());

  const start = (data: string, ...args: string[]) => {
    const anchor = built.program(new URL('../relay/receiver.mjs', import.meta.url));
    const cli = join(dirname(anchor), 'dist/esm/cli/xlink.js');
    return Program.start(
      [cli, 'relay', '--data', data, '--port', '0', ...args],
      /relay {2}(\S+)\nurl {4}(\S+)\nserves (.*)\nsocket (\w+)/,
    );
  };

  test('delivers, keeps its DID and its messages over a restart, and ends in good order', async () => {
    const data = join(await temporaryFolder(), 'data');
    const [first, [, did, relayUrl, serves, socket]] = await start(data);
    expect([serves, socket]).toEqual(['anybody, within the quotas', 'yes']);
    const registry = new MemoryTrustRegistry();
    const agent = async (name: string, url: string) => {
      const transport = new GatewayTransport({ relayUrl: url, webSocket: WebSocket, backoff: () => 20 });
      afterTest(async () => transport.dispose());
      const nonceStore = new MemoryNonceStore({ coldStart: 'accept' }); // the message is older than this bob
      const seed = seedOf(`cli ${name}`);
      return unwrap(await Agent.fromSeed({ seed, registry, transport, nonceStore }));
    };
    const alice = await agent('alice', relayUrl!);
    const { did: bobDid } = await agent('bob', relayUrl!);
    unwrap(await alice.send({ to: bobDid, payload: 'over a restart' }));
    expect(await first.end('SIGTERM')).toBe(0);
    expect(first.output).toMatch(/stopped\n$/);

    const [second, [, sameDid, newUrl]] = await start(data);
    expect(sameDid).toBe(did);
    const bob = await agent('bob', newUrl!);
    const got: unknown[] = [];
    bob.onMessage(({ payload }) => void got.push(payload));
    await until(() => got.length === 1, { what: 'the message' });
    expect(got).toEqual(['over a restart']);
    expect(await second.end('SIGINT')).toBe(0); // with a socket that is open
    for (const name of ['identity.pkcs8', 'messages.jsonl'])
      expect((await stat(join(data, name))).mode & 0o777).toBe(0o600);
    expect((await readFile(join(data, 'messages.jsonl'), 'utf8')).includes('over a restart')).toBe(false);
  }, 60_000);

  test('serves those on its list only, within the quotas it is given', async () => {
    const folder = await temporaryFolder();
    const registry = new MemoryTrustRegistry();
    const seeds = ['alice', 'bob', 'carol'].map((name) => seedOf(`cli ${name}`));
    const [alice, bob, carol] = await Promise.all(
      seeds.map(async (seed) => unwrap(await Agent.fromSeed({ seed, registry }))),
    );
    await writeFile(join(folder, 'allow'), `${alice!.did} # one\n${bob!.did}\n`);
    const [, [, , relayUrl, serves]] = await start(
      join(folder, 'data'),
      ...['--allow', join(folder, 'allow'), '--sender-messages', '1'],
    );
    expect(serves).toBe('2 DIDs');
    const transport = new GatewayTransport({ relayUrl: relayUrl! });
    const send = async (from: Agent, to: string) =>
      idOf(await transport.send(await from.createEnvelope({ to, payload: 1 }), to));
    expect(await send(alice!, bob!.did)).toBe('ok');
    expect(await send(alice!, bob!.did)).toBe('SEND_FAILED:QUOTA');
    expect(await send(carol!, bob!.did)).toBe('RELAY_NOT_ALLOWED');
    expect(await send(bob!, carol!.did)).toBe('LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
  }, 60_000);

  test('does not start a second time on the same data', async () => {
    const data = join(await temporaryFolder(), 'data');
    await start(data);
    await expect(start(data)).rejects.toThrow('is held by process');
  }, 60_000);
});
