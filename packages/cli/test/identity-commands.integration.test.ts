import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FileTrustRegistry } from '@private.me/xlink/file';
import { call, dataOf } from './support/call.js';
import { xlink } from './support/program.js';

const DID = 'did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw';

describe('commands of an identity', () => {
  let home: string;
  let dir: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'xlink-commands-'));
    dir = join(home, '.xlink');
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const keyOf = async (file: string) => ({
    mode: (await stat(file)).mode & 0o777,
    text: await readFile(file, 'utf8'),
  });

  test('init makes an identity once, and prints what the papers show', async () => {
    const first = await call('init', '--name', 'my-service', '--dir', dir);
    const { did } = JSON.parse(first.out);
    expect(first.out).toBe(JSON.stringify({ status: 'initialized', did, name: 'my-service' }, null, 2));
    expect(await dataOf(dir, 'init', '--name', 'other')).toEqual({
      status: 'exists',
      did,
      name: 'my-service',
    });
    await dataOf(dir, 'init', '--url', 'https://billing.example/xlink');
    expect(JSON.parse(await readFile(join(dir, 'config.json'), 'utf8'))).toMatchObject({
      did,
      url: 'https://billing.example/xlink',
    });
    const proxied = await call('receive', '--dir', dir);
    expect([proxied.code, proxied.err]).toEqual([2, expect.stringContaining('--port')]);
    expect(await keyOf(join(dir, 'identity.key'))).toMatchObject({
      mode: 0o600,
      text: expect.stringContaining('PRIVATE KEY'),
    });
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(dir, '.gitignore'), 'utf8')).toBe('*\n');
  });

  test('create, send and receive: agents of one folder, version 3, each message once', async () => {
    await dataOf(dir, 'init', '--name', 'a');
    const { did: from } = await dataOf(dir, 'create', '--name', 'From');
    const { did: to } = await dataOf(dir, 'create', '--name', 'To');
    const sent = await dataOf(dir, 'send', '--from', from, '--to', to, '--payload', '{"action":"hello"}');
    expect(sent).toMatchObject({ status: 'sealed', to, version: 3 });
    const received = await dataOf(dir, 'receive', '--agent', to, '--envelope', sent.envelope);
    expect(received).toMatchObject({
      status: 'received',
      sender: from,
      payload: { action: 'hello' },
      encrypted: true,
    });
    const again = await call('receive', '--dir', dir, '--agent', to, '--envelope', sent.envelope);
    expect([again.code, again.err]).toEqual([3, expect.stringContaining('xlink receive: ')]);
    await dataOf(dir, 'revoke', '--did', from, '--reason', 'key_compromise');
    const { envelope } = await dataOf(dir, 'send', '--from', from, '--to', to, '--payload', '1').catch(
      () => sent,
    );
    expect((await call('receive', '--dir', dir, '--agent', to, '--envelope', envelope)).code).toBe(3);
    expect(await dataOf(dir, 'lookup', '--did', from)).toMatchObject({
      status: 'revoked',
      revocation_reason: 'key_compromise',
    });
  });

  test('register, scopes, lookup and revoke change one registry', async () => {
    await dataOf(dir, 'init', '--name', 'a');
    expect(await dataOf(dir, 'register', '--did', DID, '--name', 'Production API', '--scope', 'api')).toEqual(
      {
        status: 'registered',
        did: DID,
        name: 'Production API',
        scopes: ['api'],
      },
    );
    await dataOf(dir, 'scopes', '--did', DID, '--add', 'a,b', '--remove', 'api', '--set-receive', 'c');
    expect(await dataOf(dir, 'scopes', '--did', DID)).toEqual({
      did: DID,
      scopes: ['a', 'b'],
      receive_scopes: ['c'],
    });
    expect(await dataOf(dir, 'lookup', '--did', DID)).toMatchObject({
      status: 'active',
      scopes: ['a', 'b'],
      name: 'Production API',
    });
    expect((await dataOf(dir, 'lookup', '--all')).length).toBe(2);
    const place = `file:${join(dir, 'registry.jsonl')}`;
    expect(await dataOf(home, 'lookup', '--did', DID, '--registry', place)).toMatchObject({
      scopes: ['a', 'b'],
    });
    await dataOf(dir, 'revoke', '--did', DID, '--yes');
    const gone = await call('register', '--dir', dir, '--did', DID, '--scope', 'api');
    expect([gone.code, gone.err]).toEqual([2, expect.stringContaining('--reactivate')]);
    await dataOf(dir, 'register', '--did', DID, '--scope', 'api', '--reactivate');
    expect(await dataOf(dir, 'lookup', '--did', DID)).toMatchObject({ status: 'active', scopes: ['api'] });
    const unknown = await call('lookup', '--dir', dir, '--did', DID.replace('Msw', 'Mst'));
    expect(unknown.code).not.toBe(0);
  });

  test('keys: files of mode 0600, a passphrase, openssl', async () => {
    await dataOf(dir, 'init', '--name', 'a');
    const [plain, sealed, foreign, passphrase] = ['plain', 'sealed', 'foreign.pem', 'passphrase'].map(
      (name) => join(home, name),
    ) as [string, string, string, string];
    await writeFile(passphrase, 'correct horse\n', { mode: 0o600 });
    const { did } = await dataOf(dir, 'keys', 'generate', '--out', plain);
    expect(await keyOf(plain)).toMatchObject({ mode: 0o600 });
    expect((await call('keys', 'generate', '--out', plain)).err).toContain('not overwritten');
    expect((await dataOf(dir, 'keys', 'import', plain, '--name', 'b')).did).toBe(did);
    await dataOf(
      dir,
      'keys',
      'export',
      '--agent',
      did,
      '--out',
      sealed,
      '--encrypt',
      '--passphrase-file',
      passphrase,
    );
    expect((await keyOf(sealed)).text).not.toContain('PRIVATE KEY');
    execFileSync('openssl', [
      'genpkey',
      '-algorithm',
      'ed25519',
      '-aes256',
      '-pass',
      'pass:correct horse',
      '-out',
      foreign,
    ]);
    await chmod(foreign, 0o600);
    await dataOf(dir, 'keys', 'import', foreign, '--name', 'c', '--passphrase-file', passphrase);
    expect(
      (await dataOf(dir, 'keys', 'list')).map(({ encrypted }: { encrypted: boolean }) => encrypted),
    ).toEqual([false, false, false]);
    await dataOf(dir, 'keys', 'encrypt', '--passphrase-file', passphrase);
    const needed = await call('send', '--dir', dir, '--to', did, '--payload', '1');
    expect([needed.code, needed.err]).toEqual([7, expect.stringContaining('--passphrase-file')]);
    expect(
      await dataOf(dir, 'send', '--to', did, '--payload', '1', '--passphrase-file', passphrase),
    ).toMatchObject({ status: 'sealed' });
    await writeFile(passphrase, 'wrong horse');
    const wrong = await call(
      'send',
      '--dir',
      dir,
      '--to',
      did,
      '--payload',
      '1',
      '--passphrase-file',
      passphrase,
    );
    expect([wrong.code, wrong.err]).toEqual([7, expect.stringContaining('passphrase is wrong')]);
    const { did: own } = JSON.parse(await readFile(join(dir, 'config.json'), 'utf8'));
    expect(await dataOf(dir, 'keys', 'export', '--agent', did, '--record')).toMatchObject({ did });
    expect(own).not.toBe(did);
  });

  test('a key file that others can read is refused, and doctor says what to do', async () => {
    await dataOf(dir, 'init', '--name', 'a');
    await chmod(join(dir, 'identity.key'), 0o644);
    const refused = await call('send', '--dir', dir, '--to', DID, '--payload', '1');
    expect([refused.code, refused.err]).toEqual([6, expect.stringContaining('chmod 600')]);
    const doctor = await call('doctor', '--dir', dir);
    expect([doctor.code, doctor.out]).toEqual([
      1,
      expect.stringMatching(/FAIL {2}files .*identity\.key\n.*chmod/),
    ]);
    await chmod(join(dir, 'identity.key'), 0o600);
    expect((await call('doctor', '--dir', dir)).code).toBe(0);
  });

  test('what another process has is said to, with exit code 5', async () => {
    const { did } = await dataOf(dir, 'init', '--name', 'a');
    const registry = new FileTrustRegistry({ path: join(dir, 'registry.jsonl') });
    await registry.ready();
    try {
      const locked = await xlink(home, 'lookup', '--did', did);
      expect([locked.code, locked.err]).toEqual([5, expect.stringMatching(/process/)]);
    } finally {
      await registry.close();
    }
    const { url } = JSON.parse(await readFile(join(dir, 'config.json'), 'utf8'));
    const server = createServer().listen(Number(new URL(url).port), '127.0.0.1');
    await once(server, 'listening');
    try {
      const taken = await xlink(home, 'receive');
      expect([taken.code, taken.err]).toEqual([5, expect.stringContaining('EADDRINUSE')]);
    } finally {
      server.close();
    }
  });

  test('rotate puts a new identity in the place of the old one', async () => {
    const { did: before } = await dataOf(dir, 'init', '--name', 'a');
    const { did, predecessor } = await dataOf(dir, 'rotate', '--overlap', '1h', '--yes');
    expect(predecessor).toBe(before);
    expect(await dataOf(dir, 'lookup', '--did', before)).toMatchObject({ succeeded_by: did });
    expect(await dataOf(dir, 'lookup', '--did', did)).toMatchObject({
      status: 'active',
      predecessors: [before],
      scopes: ['*'],
    });
    expect((await call('doctor', '--dir', dir)).code).toBe(0);
    expect((await readdir(dir)).filter((name) => name.startsWith('identity'))).toEqual([
      'identity.key',
      'identity.old.key',
    ]);
  });

  test.each([
    [['send', '--payload', '1'], '--to is required'],
    [['send', '--to', 'x', '--payload', '{'], '--payload is not JSON'],
    [['register', '--did', 'x'], '--did must be a did:key'],
    [['lookup'], 'one of --did and --all is required'],
    [['receive', '--count', '0'], '--count must be'],
    [['invite', '--expires', 'soon'], '--expires must be'],
    [['invite', '--email', 'nobody'], '--email is no address'],
    [['accept'], 'an invite is required'],
    [['connect'], 'name a service'],
    [['curl'], 'a URL is required'],
    [['keys', 'show'], 'there are list'],
    [['migrate', 'now'], 'there are plan'],
    [['completion', 'ksh'], 'name a shell'],
    [['init', '--framework', 'express'], '--framework needs --invite'],
    [['init', '--url', 'http://example.com/x'], '--url must be'],
    [['rotate', '--overlap', '91d'], '--overlap is at most 90d'],
  ])('%j is a wrong call', async (args, text) => {
    if (args[0] !== 'init') await dataOf(dir, 'init', '--name', 'a');
    const { code, err } = await call(
      ...args,
      ...(/^(curl|completion|migrate)$/.test(args[0]!) ? [] : ['--dir', dir]),
    );
    expect([code, err]).toEqual([2, expect.stringContaining(text)]);
    expect(err).toContain(`see xlink ${args[0]} --help`);
  });

  test('without an identity it is said how to make one', async () => {
    for (const args of [
      ['invite'],
      ['receive'],
      ['send', '--to', DID, '--payload', '1'],
      ['accept', 'XLK-x'],
    ]) {
      const { code, err } = await call(...args, '--dir', dir);
      expect([code, err]).toEqual([args[0] === 'accept' ? 10 : 1, expect.stringMatching(/xlink init|XLK-/)]);
    }
  });

  test('every command says what it is for, fits a terminal, and is completed', async () => {
    const { commands } = await import('../src/index.js');
    const list = await call('--help');
    for (const [name, { help, summary }] of Object.entries(commands)) {
      expect(list.out).toContain(`  ${name}`);
      expect(summary.length).toBeLessThan(95);
      expect(help).toMatch(/^Usage: xlink /);
      expect([name, Math.max(...help.split('\n').map((line) => line.length))]).toEqual([
        name,
        expect.any(Number),
      ]);
      expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(118);
    }
    const script = (await call('completion', 'bash')).out;
    const asked = `${script}\nCOMP_WORDS=(xlink inv); COMP_CWORD=1; _xlink; echo "\${COMPREPLY[@]}"; COMP_WORDS=(xlink invite --e); COMP_CWORD=2; _xlink; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', asked], { encoding: 'utf8' })).toBe('invite\n--expires --email\n');
    for (const shell of ['zsh', 'fish']) expect((await call('completion', shell)).out).toContain('invite');
  });
});
