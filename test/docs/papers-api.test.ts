import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import * as root from '@private.me/xlink';
import { ERROR_TABLE, isXlinkError, toXlinkError } from '@private.me/xlink';
import { AuditLog } from '@private.me/xlink/audit';
import * as server from '@private.me/xlink/server';
import { TAKERS } from '../options/takers.js';
import { verdictOn } from '../support/needs-program.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(repository, 'docs/papers-api.md'), 'utf8');
const exported: Record<string, unknown> = { ...root, ...server };

interface Row {
  readonly name: string;
  readonly status: string;
  readonly here: string;
}

/** The rows below a heading. */
const rowsOf = (heading: string): Row[] => {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  return [...section.split('\n## ')[0]!.matchAll(/^\| `(.+?)` \| (\w+) \| (.*?) ?\|$/gm)].map(
    ([, name, status, here]) => ({ name: name!, status: status!, here: here! }),
  );
};
const [exportRows, methodRows, optionRows, codeRows, commandRows] = [
  'Exports',
  'Methods',
  'Options',
  'Error codes',
  'Commands',
].map(rowsOf) as [Row[], Row[], Row[], Row[], Row[]];
const allRows = [exportRows, methodRows, optionRows, codeRows, commandRows].flat();
const same = (rows: readonly Row[]) => rows.filter(({ status }) => status === 'same').map(({ name }) => name);

describe('docs/papers-api.md', () => {
  test('has rows of one form, with one of four words, each name once', () => {
    const lines = page.match(/^\| `.*$/gm)!;
    expect(allRows).toHaveLength(lines.length);
    for (const { name, status, here } of allRows) {
      expect([name, status]).toEqual([name, expect.stringMatching(/^(same|renamed|refused|later)$/)]);
      if (status === 'renamed' || status === 'refused') expect([name, here]).not.toEqual([name, '']);
    }
    expect(new Set(allRows.map(({ name }) => name)).size).toBe(allRows.length);
  });

  test.each(same(exportRows))('%s is exported', (name) => {
    const row = exportRows.find((each) => each.name === name)!;
    if (!row.here.startsWith('a type')) return expect(typeof exported[name]).toBe('function');
    const declared = ['src/types/ports.ts', 'src/errors/errors.ts', 'src/index.ts']
      .map((file) => readFileSync(join(repository, file), 'utf8'))
      .join('\n');
    return expect(declared).toMatch(new RegExp(`(interface|type) ${name}\\b`));
  });

  test.each(same(methodRows))('%s exists', async (name) => {
    const owners: Record<string, object> = {
      Agent: root.Agent,
      agent: root.Agent.prototype,
      auditLog: AuditLog.prototype,
      registry: root.MemoryTrustRegistry.prototype,
      adapter: root.DualModeAdapter.prototype,
      transport: new root.LoopbackTransport(),
    };
    const [owner, member] = name.split('.') as [string, string];
    expect((owners[owner] as Record<string, unknown>)[member]).toBeDefined();
  });

  // A variable of the environment has no taker; test/invites/lazy has it.
  test.each(same(optionRows).filter((name) => name.includes(': ')))('%s is a known option', async (text) => {
    const [name, option] = text.split(': ') as [string, string];
    const { call } = TAKERS.find((taker) => taker.name === name)!;
    let outcome: unknown;
    try {
      outcome = await call({ [option]: undefined });
    } catch (error) {
      outcome = { error };
    }
    const { error } = Object(outcome) as { error?: unknown };
    if (isXlinkError(error)) expect(error.message).not.toContain('there is no option');
  });

  test('Agent.create: did is refused by name, and says what to do', async () => {
    const { error } = await root.Agent.create({ did: 'did:web:example.com:alice' } as never);
    expect(error).toMatchObject({ id: 'INVALID_OPTION', field: 'did' });
    expect(error!.message).toMatch(/^Agent\.create: there is no option did: .*createDidWebDocument/);
  });

  test.each(['xlink', 'fallback'])('DualModeAdapter names DualModeClient for %s', (option) => {
    const make = () => new root.DualModeAdapter({ [option]: {} } as never);
    expect(make).toThrow(/^DualModeAdapter: there is no option \w+: DualModeClient/);
  });

  test.each(codeRows.map(({ name, status, here }) => [name, status, here] as const))(
    'the code %s is %s %s',
    (name, status, here) => {
      if (status === 'same') {
        const codes = Object.keys(ERROR_TABLE).flatMap((id) => [id, id.split(':')[0]]);
        return expect(codes).toContain(name);
      }
      const target = here.replaceAll('`', '');
      expect(Object.keys(ERROR_TABLE)).toContain(target);
      return expect(toXlinkError(name).id).toBe(target);
    },
  );
});

/** Not part of the repository; `PAPERS` says where else they are, seen from here. */
const papers = join(repository, process.env['PAPERS'] ?? '../shared/seeds');
const verdict = verdictOn(existsSync(papers) ? [] : ['the white papers']);
const describeWithPapers = verdict === 'skip' ? describe.skip : describe;

describeWithPapers(`every name in the white papers has a row [${papers}]`, () => {
  const text =
    verdict === 'run'
      ? readdirSync(papers)
          .map((file) => readFileSync(join(papers, file), 'utf8'))
          .join('\n')
      : '';
  const named = new Set(allRows.flatMap(({ name }) => [name, name.split(/[.( ]/)[0]!]));
  const missing = (names: Iterable<string>) => [...new Set(names)].filter((name) => !named.has(name));
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, ...groups]) => groups as string[]);

  test('the papers are there', () => expect(text.length).toBeGreaterThan(100_000));

  test('every import', () => {
    const lists = [
      ...all(/import\s*\{([^}]*)\}\s*from\s*['"]@private\.me\//g),
      ...all(/\{([^}]*)\}\s*=\s*require\(['"]@private\.me\//g),
    ].flat();
    expect(lists.length).toBeGreaterThan(30);
    expect(
      missing(lists.flatMap((list) => list.split(',').map((name) => name.trim().replace(/^type /, '')))),
    ).toEqual([]);
  });

  test('every method that is called', () => {
    const calls = all(/\b([aA]gent|(?:trustR|r)egistry|adapter|auditLog)\.([a-zA-Z]+)\(/g);
    expect(calls.length).toBeGreaterThan(50);
    expect(
      missing(calls.map(([owner, member]) => `${owner!.replace('trustRegistry', 'registry')}.${member}`)),
    ).toEqual([]);
    const statics = all(/\b(TrustRegistry|NonceStore|PolicyEngine|AuditLog)\.([a-z]\w*)\(/g);
    expect(
      missing(statics.map(([owner, member]) => (named.has(owner!) ? owner! : `${owner}.${member}`))),
    ).toEqual([]);
  });

  test('every class that is made, and every interface of the transport', () => {
    const classes = all(
      /\bnew ((?:\w+(?:Registry|Transport\w*|Store|Adapter|Manager|Verifier))|Agent)\(/g,
    ).flat();
    expect(
      missing([...classes, ...all(/\b(Transport(?:Envelope|Error)|XailTransportAdapter)\b/g).flat()]),
    ).toEqual([]);
  });

  test('every code of the error table', () => {
    const codes = all(
      /^\| ([A-Z][A-Z0-9_:]+) \| (?:Agent|Envelope|Transport|SplitChannel|KeyAgreement) \|/gm,
    ).flat();
    expect(codes.length).toBeGreaterThan(14);
    const lists = all(
      /^\| (?:Identity|Envelope|Transport|Registry|Key Agreement|Split-Channel|Agent) \| ([A-Z_, ]+) \|/gm,
    );
    expect(lists.length).toBeGreaterThan(6);
    expect(missing([...codes, ...lists.flat().flatMap((list) => list.split(', '))])).toEqual([]);
    expect(missing(all(/error(?:\.code)? === '([A-Z]+_SCOPE_\w+|SCOPE_\w+)'/g).flat())).toEqual([]);
  });

  test('every command', () => {
    const commands = all(/(?:^|[$\n] *|→[^$#\n]*# [^\n]*? )xlink ([a-z][a-z-]*) (?=--|[a-z])/gm).flat();
    const documented = all(
      /(?:\$|#[^#]*?) ?(?:npx @private\.me\/(?:xlink|agent-sdk)|xlink) ([a-z][a-z-]+) (?=--\w|payments|billing)/g,
    ).flat();
    expect(new Set([...commands, ...documented]).size).toBeGreaterThan(9);
    expect(missing([...commands, ...documented].map((command) => `xlink ${command}`))).toEqual([]);
  });
});
