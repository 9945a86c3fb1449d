// `xlink xid`, as @private.me/xlink-cli runs it.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Identity } from '@private.me/xlink';
import { XidService } from '../src/index.js';
import module from '../src/xlink-cli.js';
import { seedOf, temporaryFolder } from './support.js';

async function xid(...args: string[]) {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  try {
    const code = await module.commands['xid']!.run(args, { out: say, err: say });
    return `${code} ${lines.join('\n')}`;
  } catch (error) {
    const { code, id, message } = error as { code?: string; id?: string; message: string };
    return `${id ?? code} ${message}`;
  }
}

test('derives from shares that it makes, and certifies what it derived', async () => {
  const folder = await temporaryFolder();
  const shares = [1, 2, 3].flatMap((index) => ['--share', join(folder, String(index))]);
  const first = await xid('derive', 'https://api.example.com', ...shares, '--json');
  const { did, epoch, until } = JSON.parse(first.slice(2)) as { did: string; epoch: number; until: string };
  expect(epoch).toBe(Math.floor(Date.now() / 86_400_000));
  expect(Date.parse(until)).toBe((epoch + 2) * 86_400_000);
  expect((await stat(join(folder, '1'))).mode & 0o777).toBe(0o600);
  expect(await xid('derive', 'https://api.example.com/x', ...shares)).toContain(
    `0 ${did}\nepoch  ${epoch}, good until`,
  );
  expect(await xid('derive', 'https://b.example.com', ...shares)).not.toContain(did);
  expect(await xid('derive', 'https://api.example.com', ...shares, '--device', 'phone')).not.toContain(did);

  const identity = await Identity.fromSeed(seedOf('registrar'), { maxVersion: 3 });
  const file = join(folder, 'registrar.der');
  await writeFile(file, identity.exportPKCS8());
  const asked = [
    '--identity',
    file,
    '--did',
    did,
    '--audience',
    'https://api.example.com',
    '--class',
    'members',
  ];
  const made = await xid('certificate', ...asked, '--scope', 'orders:read', '--post-quantum');
  const certificate = JSON.parse(made.slice(2)) as object;
  const classes = { members: { scopes: ['orders:read'] } };
  const mlDsa65 = Buffer.from(identity.mlDsa65!.publicKey).toString('base64url');
  const registrars = [{ did: identity.did, mlDsa65, classes }];
  const service = new XidService({ audience: 'https://api.example.com', registrars });
  const claim = { did, service: did, proof: certificate, at: Date.now() };
  expect(await service.verify(claim)).toMatchObject({ client: 'xid:members', scopes: ['orders:read'] });
  expect((await readFile(file)).length).toBe(48);
});

test.each<[string[], string]>([
  [[], 'a command is required'],
  [['dervie'], 'there is no command dervie'],
  [['derive'], 'derive takes one service'],
  [['derive', 'https://a.example', '--share', 'x'], 'one alone says nothing'],
  [['derive', 'https://a.example', '--epoch', '-1'], 'ERR_PARSE_ARGS'],
  [
    ['derive', 'https://a.example', '--share', '/nowhere/1', '--share', '/nowhere/2', '--epoch-hours', 'x'],
    'whole number',
  ],
  [['certificate'], '--identity is required'],
  [
    ['certificate', '--identity', 'x', '--did', 'x', '--audience', 'x', '--class', 'x'],
    '--scope is required',
  ],
])('%j: %s', async (args, said) => {
  expect(await xid(...args)).toContain(said);
});
