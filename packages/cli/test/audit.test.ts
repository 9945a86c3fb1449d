import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, Identity, MemoryClientStore, MemoryTrustRegistry } from '@private.me/xlink';
import { type AuditEntry, AuditLog } from '@private.me/xlink/audit';
import { xlinkFetch } from '@private.me/xlink/client';
import express from 'express';
import { commands, run } from '../src/index.js';

const PROGRAM = fileURLToPath(new URL('../dist/xlink.js', import.meta.url));
const program = promisify(execFile);
const service = await Identity.fromSeed(new Uint8Array(32).fill(31));
const organization = await Identity.fromSeed(new Uint8Array(32).fill(32));

async function call(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(['audit', ...args], commands, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

let folder: string;
let deleter: Agent;
const path = (name: string) => join(folder, name);
const log = () => ['--log', path('log'), '--did', service.did];

/** An API with an audit log; three agents read, and one of them deletes item 1847. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xlink-cli-audit-'));
  await writeFile(path('org.der'), organization.exportPKCS8(), { mode: 0o600 });
  const registry = new MemoryTrustRegistry();
  const agent = new Agent({ identity: service, registry });
  await registry.register({ did: service.did, keys: await agent.keyRecord() });
  const audit = await AuditLog.open({ folder: path('log'), identity: service, organization, name: 'main' });
  const adapter = new DualModeAdapter({
    agent,
    legacyKeyValidator: (key) => (key === 'key-of-a-client' ? { clientId: 'acme' } : null),
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    audit: { log: audit, failClosed: true },
  });
  const app = express().use(adapter.middleware());
  app.all('/items/:id', (_, response) => void response.json({}));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const agents = await Promise.all([1, 2, 3].map(() => Agent.quickstart({ registry })));
  deleter = agents[1]!;
  for (const one of agents) await xlinkFetch({ baseUrl, agent: one })(`${baseUrl}/items/1847`);
  await xlinkFetch({ baseUrl, agent: deleter })(`${baseUrl}/items/1847`, { method: 'DELETE' });
  await fetch(`${baseUrl}/items/18470`, { method: 'DELETE', headers: { 'x-api-key': 'key-of-a-client' } });
  adapter.setMode('deprecation', 'enough', {});
  await adapter.close();
  await audit.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
afterAll(() => rm(folder, { recursive: true }));

describe('an auditor', () => {
  test.each(['json', 'csv'])(
    'with the exported file (%s), the checkpoint and the DID knows who deleted item 1847',
    async (format) => {
      const desk = await mkdtemp(join(tmpdir(), 'xlink-auditor-'));
      try {
        const name = `export.${format}`;
        const exported = await call(
          'export',
          ...log(),
          '--org-key',
          path('org.der'),
          '--format',
          format,
          '--out',
          path(name),
        );
        expect(exported).toMatchObject({ code: 0, err: '' });
        await writeFile(join(desk, name), await readFile(path(name)));
        await writeFile(join(desk, 'checkpoint'), await readFile(path(`${name}.checkpoint`)));
        await writeFile(join(desk, 'did'), service.did);
        expect((await readdir(desk)).sort()).toEqual(['checkpoint', 'did', name]);
        const args = [
          'audit',
          'verify',
          name,
          '--checkpoint',
          'checkpoint',
          '--did',
          await readFile(join(desk, 'did'), 'utf8'),
        ];
        const { stdout } = await program(
          process.execPath,
          [PROGRAM, ...args, '--request', 'DELETE /items/1847'],
          { cwd: desk },
        );
        const [entry, summary, ...rest] = stdout.trimEnd().split('\n');
        expect(entry).toMatch(
          new RegExp(
            `^\\d+  signed by the caller:  \\S+Z  ${deleter.did}  DELETE /items/1847  \\*  \\|  by the word of the service:  \\S+Z  request  accepted$`,
          ),
        );
        expect(summary).toMatch(/^proven: (\d+) of the \1 entries of did:key:\w+\/main \(all\)$/);
        expect(rest).toEqual([]);
      } finally {
        await rm(desk, { recursive: true });
      }
    },
  );

  test.each(['json', 'csv'])(
    'sees that one byte was changed, anywhere (%s)',
    async (format) => {
      const file = path(`flip.${format}`);
      await call(
        'export',
        ...log(),
        '--org-key',
        path('org.der'),
        '--format',
        format,
        '--find',
        '1847',
        '--out',
        file,
      );
      const [whole, checkpoint] = [await readFile(file), await readFile(`${file}.checkpoint`)];
      const verify = (did = service.did) =>
        call('verify', file, '--checkpoint', `${file}.checkpoint`, '--did', did);
      expect((await verify()).code).toBe(0);
      for (const [name, bytes, step] of [
        [file, whole, 41],
        [`${file}.checkpoint`, checkpoint, 1],
      ] as const) {
        for (let at = 0; at < bytes.length; at += step) {
          const flipped = Buffer.from(bytes);
          flipped[at]! ^= 1 << (at % 7);
          await writeFile(name, flipped);
          expect({ at, name, code: (await verify()).code }).toEqual({ at, name, code: 1 });
        }
        await writeFile(name, bytes);
      }
      for (let at = 8; at < service.did.length; at++) {
        const did = Buffer.from(service.did);
        did[at]! ^= 1;
        expect((await verify(did.toString())).code).not.toBe(0);
      }
    },
    120_000,
  );
});

describe('an exporter', () => {
  test('who takes the key of an entry out of its proof is told of: not all, and exit code 1', async () => {
    const file = path('hidden.json');
    await call('export', ...log(), '--org-key', path('org.der'), '--out', file);
    const lines = (await readFile(file, 'utf8')).split('\n');
    const at = lines.findIndex((line) => line.includes('"DELETE /items/1847"'));
    const { seq, proof } = JSON.parse(lines[at]!.replace(/,$/, ''));
    const hidden = lines[at]!.replace(/"entry":.*"proof"/, '"entry":null,"signed":[],"proof"');
    const [, , , , secret] = proof.split('.');
    lines[at] = hidden.replace(`.${secret}.`, '..');
    await writeFile(file, lines.join('\n'));
    const args = ['verify', file, '--checkpoint', `${file}.checkpoint`, '--did', service.did];
    const { code, out } = await call(...args, '--request', 'DELETE /items/1847');
    expect(code).toBe(1);
    expect(out).toMatch(/^proven: (\d+) of the \1 entries of did:key:\w+\/main \(not all can be read\)$/m);
    expect(out).toMatch(new RegExp(`^withheld: 1 of them .*: ${seq}$`, 'm'));
  });
});

describe('a service', () => {
  /** What the auditor sees of entries in a log of this service. */
  async function shown(entries: readonly AuditEntry[]) {
    const at = await mkdtemp(join(folder, 'shown-'));
    const audit = await AuditLog.open({ folder: join(at, 'log'), identity: service, organization });
    for (const entry of entries) await audit.append(entry);
    const { text, checkpoint } = await audit.export();
    await audit.close();
    await writeFile(join(at, 'x.json'), text);
    await writeFile(join(at, 'x.checkpoint'), checkpoint);
    const args = [join(at, 'x.json'), '--checkpoint', join(at, 'x.checkpoint'), '--did', service.did];
    return { ...(await call('verify', ...args)), args };
  }

  test('that shows what was signed for another one is told of, and what it adds is its own word', async () => {
    const other = await Agent.quickstart({ registry: new MemoryTrustRegistry() });
    const registry = new MemoryTrustRegistry();
    await registry.register({ did: other.did, keys: await other.keyRecord() });
    const caller = await Agent.quickstart({ registry });
    const envelope = await caller.createRequest({ to: other.did, payload: {}, request: 'POST /pay' });
    const { from, to, scope, request } = envelope;
    const entry = { type: 'request', from, to, scope, envelope, client: 'victim', decision: 'accepted' };
    const { out, args, code } = await shown([{ ...entry, ...(request === undefined ? {} : { request }) }]);
    const [first, , doubtful] = out.split('\n');
    expect(first).toContain(`0  signed, but for another recipient (${to}):  `);
    expect(first).toMatch(
      /POST \/pay {2}\* {2}\| {2}by the word of the service: {2}\S+ {2}request {2}client victim {2}accepted$/,
    );
    expect(doubtful).toMatch(/^doubtful: .* 1 of them/);
    expect(code).toBe(9);
    const known = await call('verify', ...args, '--recipient', to);
    expect(known.code).toBe(0);
    expect(known.out).toMatch(/^0 {2}signed by the caller: /);
  });

  test('that writes control, direction or invisible characters turns no line of the terminal', async () => {
    const client = 'a\u202eb\u2028c\u009b31md\u200be\u2066';
    const { out } = await shown([{ type: 'x', client }]);
    expect(out).toContain('client a\\u202eb\\u2028c\\u009b31md\\u200be\\u2066');
  });
});

describe('xlink audit', () => {
  test('verify --log: the files fit the checkpoint; a changed one is named', async () => {
    expect(await call('verify', ...log())).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^whole: \d+ entries/),
    });
    const entries = path('log/entries/000000000000.jsonl');
    const whole = await readFile(entries, 'utf8');
    await writeFile(
      entries,
      whole.replace(/("seq":2,.*?"sealed":")(.)/, (_, before, sign) => before + (sign === 'A' ? 'B' : 'A')),
    );
    expect(await call('verify', ...log())).toEqual({ code: 1, out: '', err: 'entry 2 is bad: edited' });
    await writeFile(entries, whole);
  });

  test('verify --log --request shows the request, by another spelling, too, to the holder of the key', async () => {
    const asked = [...log(), '--request', 'DELETE /ITEMS/%31847/'];
    expect(await call('verify', ...asked)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--org-key'),
    });
    const { out } = await call('verify', ...asked, '--org-key', path('org.der'));
    expect(out.split('\n')).toEqual([
      expect.stringContaining('whole: '),
      expect.stringContaining(`${deleter.did}  DELETE /items/1847`),
    ]);
  });

  test('verify --log and export tell how many entries are behind the checkpoint', async () => {
    const running = path('running');
    const audit = await AuditLog.open({ folder: running, identity: service, organization });
    for (let i = 0; i < 2; i++) await audit.append({ type: 'x' });
    const args = ['--log', running, '--did', service.did];
    expect((await call('verify', ...args)).out).toMatch(/^behind the checkpoint: 2 entries; /m);
    const out = ['--org-key', path('org.der'), '--out', path('running.json')];
    expect((await call('export', ...args, ...out)).out).toMatch(
      /^behind the checkpoint: 2 entries; they are not in the export$/m,
    );
    await audit.close();
    expect((await call('verify', ...args)).out).not.toContain('behind');
  });

  test('organization makes who can read a log, once, and the record that a service needs', async () => {
    const args = ['organization', '--org-key', path('own.pem'), '--out', path('own.json')];
    const first = await call(...args);
    expect(first).toMatchObject({ code: 0, err: '' });
    const key = await readFile(path('own.pem'), 'utf8');
    expect((await stat(path('own.pem'))).mode & 0o777).toBe(0o600);
    expect(await call(...args)).toEqual(first);
    expect(await readFile(path('own.pem'), 'utf8')).toBe(key);
    const record = JSON.parse(await readFile(path('own.json'), 'utf8'));
    const audit = await AuditLog.open({ folder: path('own'), identity: service, organization: record });
    await audit.append({ type: 'x', data: 'read me' });
    await audit.close();
    const read = await call('tail', '--log', path('own'), '--did', service.did, '--org-key', path('own.pem'));
    expect(read.out).toContain('read me');
  });

  test('prove writes a tlog-proof', async () => {
    expect((await call('prove', ...log(), '--seq', '1')).out).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 1\n/);
    expect((await call('prove', ...log(), '--seq', '99')).code).toBe(1);
  });

  test('tail shows the last entries, a key in no query', async () => {
    const { out } = await call('tail', ...log(), '--org-key', path('org.der'), '--lines', '2');
    expect(out.split('\n')).toHaveLength(2);
    expect(out).toContain('"to":"deprecation","reason":"enough"');
    const byKey = await call('tail', ...log(), '--org-key', path('org.der'), '--find', '18470');
    expect(byKey.out).toContain('client acme');
  });

  test.each([
    [['verify'], '--log is required'],
    [['verify', 'x.json'], '--checkpoint is required'],
    [['prove', '--log', 'x', '--seq', '1', '--did', 'did:web:a'], '--did is not a did:key'],
    [['forget'], 'there are verify, prove, export, tail and organization'],
  ])('%j: exit code 2', async (args, message) => {
    const { code, err } = await call(...args);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
  });
});
