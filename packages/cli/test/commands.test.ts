import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { explain } from '../src/explain.js';
import { commands, EXIT_CODES, run } from '../src/index.js';
import { relayCommand } from '../src/relay.js';

async function call(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(args, commands, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

test('what an error says is told with its causes, and without credentials', () => {
  const deep = new Error('fetch failed', { cause: new AggregateError([new Error('one'), new Error('two')]) });
  expect(explain(new Error('no', { cause: deep }))).toBe('no\n  because: fetch failed\n  because: one; two');
  expect(explain(new Error('the value "Bearer abc.def" is bad\u001b[2J'))).toBe(
    'the value "Bearer … is bad [2J',
  );
  expect(explain(Object.assign(new Error(''), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
  expect(explain('text')).toBe('text');
  const endless = new Error('again');
  Object.assign(endless, { cause: endless });
  expect(explain(endless).split('\n').length).toBe(6);
});

describe('xlink', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-cli-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each([[['--help']], [['-h']], [['help']]])('%j lists the commands', async (args) => {
    const { code, out } = await call(...args);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(
        / {2}identity +put a new identity.*\n {2}init +make an identity.*[\s\S]*\n {2}relay +keep messages.*[\s\S]*\n {2}serve +the identity server.*\n {2}transfer +copy registry/,
      ),
    ]);
  });

  test('without a command, or with an unknown one, is a wrong call', async () => {
    expect((await call()).code).toBe(2);
    for (const name of ['relais', 'constructor', '__proto__']) {
      const { code, err } = await call(name);
      expect([code, err]).toEqual([
        2,
        `xlink: there is no command "${name}"${name === 'relais' ? ' (perhaps relay)' : ''}; see xlink --help`,
      ]);
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
    [['relay', '--data', 'x', '--path', 'relay'], '--path must be'],
    [['relay', '--data', 'x'], 'say who may use the relay'],
    [['relay', '--data', 'x', '--allow', 'x', '--open'], 'say who may use the relay'],
    [['relay', '--dat', 'x'], 'there is no option --dat (perhaps --data)'],
    [['relay', 'extra', '--data', 'x'], 'extra is not expected'],
  ])('%j is a wrong call, and said in one line', async (args, text) => {
    const { code, err } = await call(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(`xlink relay: ${text}`)]);
    expect(err).toMatch(/^[^\n]+; see xlink relay --help$/);
  });

  test('relay says what is wrong with its files', async () => {
    const allow = join(folder, 'allow');
    await writeFile(allow, '# people\n\nnobody\n');
    const wrong = await call('relay', '--data', folder, '--allow', allow);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('line 3')]);
    const absent = await call('relay', '--data', folder, '--allow', join(folder, 'absent'));
    expect([absent.code, absent.err]).toEqual([
      2,
      expect.stringContaining(`--allow ${join(folder, 'absent')}: there is no such file`),
    ]);
    const unreadable = await call('relay', '--data', folder, '--allow', folder);
    expect([unreadable.code, unreadable.err]).toEqual([
      2,
      expect.stringContaining('cannot be read (EISDIR)'),
    ]);
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data/identity.pkcs8'), 'no key', { mode: 0o600 });
    const broken = await call('relay', '--open', '--data', join(folder, 'data'));
    expect([broken.code, broken.err]).toEqual([1, expect.stringContaining('PKCS#8')]);
  });
});

test('the README has every exit code, and every command', async () => {
  const page = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, means]) => [Number(code), means]);
  const codes = [...EXIT_CODES].sort((a, b) => a.code - b.code);
  expect(rows).toEqual(codes.map(({ code, means }) => [code, means]));
  for (const name of Object.keys(commands)) expect(page).toMatch(new RegExp(`\`(xlink )?${name}\\b`));
});
