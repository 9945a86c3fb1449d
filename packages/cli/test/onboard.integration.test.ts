import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Invites } from '@private.me/xlink';
import { freePort } from '../src/local/free-port.js';
import { startServer } from './server/program.js';
import { request } from './server/support.js';
import { Partner } from './support/partner.js';
import { runProgram, xlink } from './support/program.js';

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));

interface Kind {
  readonly framework: string;
  readonly isTypeScript?: boolean;
  readonly isCommonJs?: boolean;
  readonly dependencies: readonly string[];
  /** Starts a server, with the inbox, on `port`. */
  readonly app: string;
}

const HEARD = "(message) => console.log('heard', JSON.stringify(message.payload))";
const OVER = `sendToPartner({ from: 'app' }).then((id) => console.log('sent', id));`;
const HTTP = `const port = Number(new URL(process.env.XLINK_INBOX_URL).port);`;
const TS_HTTP = `const port = Number(new URL(process.env['XLINK_INBOX_URL'] as string).port);`;

const KINDS: Readonly<Record<string, Kind>> = {
  'Express, TypeScript, ES modules': {
    framework: 'Created src/xlink-client.ts',
    isTypeScript: true,
    dependencies: ['express'],
    app: `import express from 'express';
import { mountInbox, sendToPartner } from './xlink-client.js';
${TS_HTTP}
const app = express();
mountInbox(app, ${HEARD});
app.use(express.json());
app.listen(port, '127.0.0.1', () => void ${OVER.replace(';', '')});
`,
  },
  'Express, CommonJS': {
    framework: 'Created src/xlink-client.js',
    isCommonJs: true,
    dependencies: ['express'],
    app: `const express = require('express');
const { mountInbox, sendToPartner } = require('./xlink-client.js');
${HTTP}
const app = express();
mountInbox(app, ${HEARD});
app.use(express.json());
app.listen(port, '127.0.0.1', () => ${OVER.replace(';', '')});
`,
  },
  'Koa, ES modules': {
    framework: 'Created src/xlink-client.js',
    dependencies: ['koa'],
    app: `import Koa from 'koa';
import { inbox, sendToPartner } from './xlink-client.js';
${HTTP}
new Koa().use(inbox(${HEARD})).listen(port, '127.0.0.1', () => ${OVER.replace(';', '')});
`,
  },
  'Koa, TypeScript': {
    framework: 'Created src/xlink-client.ts',
    isTypeScript: true,
    dependencies: ['koa'],
    app: `import Koa from 'koa';
import { inbox, sendToPartner } from './xlink-client.js';
${TS_HTTP}
new Koa().use(inbox(${HEARD})).listen(port, '127.0.0.1', () => void ${OVER.replace(';', '')});
`,
  },
  'Fastify, TypeScript': {
    framework: 'Created src/xlink-client.ts',
    isTypeScript: true,
    dependencies: ['fastify'],
    app: `import { fastify } from 'fastify';
import { mountInbox, sendToPartner } from './xlink-client.js';
${TS_HTTP}
const app = fastify();
mountInbox(app, ${HEARD});
await app.listen({ port, host: '127.0.0.1' });
void ${OVER}
`,
  },
  'Hono, TypeScript': {
    framework: 'Created src/xlink-client.ts',
    isTypeScript: true,
    dependencies: ['hono', '@hono/node-server'],
    app: `import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { mountInbox, sendToPartner } from './xlink-client.js';
${TS_HTTP}
const app = new Hono();
mountInbox(app, ${HEARD});
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => void ${OVER.replace(';', '')});
`,
  },
  'Nest, TypeScript, CommonJS': {
    framework: 'Created src/xlink-client.ts',
    isTypeScript: true,
    isCommonJs: true,
    dependencies: ['@nestjs/core', '@nestjs/common'],
    app: `import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mountInbox, sendToPartner } from './xlink-client';
${TS_HTTP}
class AppModule {}
Module({})(AppModule);
async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  mountInbox(app, ${HEARD});
  await app.listen(port, '127.0.0.1');
  void ${OVER}
}
void main();
`,
  },
  'plain Node, CommonJS': {
    framework: 'Created src/xlink-client.js',
    isCommonJs: true,
    dependencies: [],
    app: `const { createServer } = require('node:http');
const { inbox, inboxPath, onMessage, sendToPartner } = require('./xlink-client.js');
${HTTP}
onMessage(${HEARD});
createServer((req, res) => (req.url === inboxPath ? inbox(req, res) : res.writeHead(404).end())).listen(port, '127.0.0.1', () => ${OVER.replace(';', '')});
`,
  },
};

/** Whether it becomes ES modules is said by package.json. */
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    esModuleInterop: true,
    types: ['node'],
    rootDir: 'src',
    outDir: 'dist',
  },
  include: ['src'],
};

describe('xlink init --invite', () => {
  let partner: Partner;
  let folder: string;
  beforeAll(async () => {
    partner = await Partner.open();
  });
  afterAll(() => partner.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-onboard-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test.each(Object.entries(KINDS))(
    'connects a project of %s that compiles, sends and receives',
    async (_, kind) => {
      const { isTypeScript = false, isCommonJs = false, dependencies, app } = kind;
      const manifest = {
        name: 'shop',
        ...(isCommonJs ? {} : { type: 'module' }),
        scripts: { start: 'node app.js' },
        dependencies: Object.fromEntries(dependencies.map((name) => [name, '*'])),
      };
      await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, null, '\t'));
      await mkdir(join(folder, 'src'));
      const port = await freePort();
      await writeFile(join(folder, '.env'), `PORT=${port}\n`, { mode: 0o600 });
      if (isTypeScript) await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
      const { code, out, err } = await xlink(
        folder,
        'init',
        '--name',
        'shop',
        '--invite',
        await partner.invite(),
      );
      expect([code, err]).toEqual([0, expect.stringContaining('+++ src/xlink-client')]);
      expect(out.split('\n')).toEqual([
        expect.stringMatching(/^✓ Generated identity: did:key:z6Mk/),
        '✓ Configured trust registry',
        `✓ ${kind.framework}`,
        '✓ Created .env with connection details',
        '✓ Test message sent successfully',
        'Ready to integrate. Run: npm install && npm start',
        '',
      ]);
      const { did, url } = JSON.parse(await readFile(join(folder, '.xlink/config.json'), 'utf8'));
      expect(new URL(url).port).toBe(String(port)); // where the program will listen
      expect(await partner.messageWhere(({ sender }) => sender === did)).toMatchObject({
        payload: { test: 'xlink init' },
      });
      const after = await readFile(join(folder, 'package.json'), 'utf8');
      expect(JSON.parse(after).dependencies).toMatchObject({
        '@private.me/xlink': expect.stringMatching(/^\^/),
      });
      expect(after).toContain('\n\t"name"');
      expect(await readFile(join(folder, '.env'), 'utf8')).toContain(
        `XLINK_PARTNER_DID=${partner.agent.did}\n`,
      );
      for (const file of ['.env', '.xlink/identity.key', '.xlink/registry.jsonl'])
        expect([file, (await stat(join(folder, file))).mode & 0o777]).toEqual([file, 0o600]);

      await symlink(MODULES, join(folder, 'node_modules'));
      await writeFile(join(folder, `src/app.${isTypeScript ? 'ts' : 'js'}`), app);
      if (isTypeScript) {
        const built = await runProgram(join(MODULES, '.bin/tsc'), ['-p', '.'], { cwd: folder });
        expect([built.code, built.out]).toEqual([0, '']);
      }
      const lines = await runApp(join(isTypeScript ? 'dist' : 'src', 'app.js'), async () => {
        await partner.messageWhere(
          ({ sender, payload }) => sender === did && (payload as { from?: string }).from === 'app',
        );
        expect(partner.places.get(did)).toBe(url);
        expect(await partner.send(did, { hello: 'app' })).toMatchObject({ ok: true });
      });
      expect(lines).toContain('heard {"hello":"app"}');
    },
  );

  /** Runs the app until it has heard; `meanwhile` begins once it has sent. */
  async function runApp(file: string, meanwhile: () => Promise<void>): Promise<readonly string[]> {
    const env = Object.fromEntries(
      (await readFile(join(folder, '.env'), 'utf8'))
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );
    const child = spawn(process.execPath, [file], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    let err = '';
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    try {
      let begun: Promise<void> | undefined;
      for await (const line of createInterface({ input: child.stdout })) {
        lines.push(line);
        if (line.startsWith('sent ')) begun = meanwhile();
        if (line.startsWith('heard ')) break;
      }
      if (!begun) throw new Error(`it has not sent: ${lines.join('\n')}${err}`);
      await begun;
      return lines;
    } finally {
      child.kill();
    }
  }

  test('in a folder of Python writes Python, and says that the partner has no API yet', async () => {
    await writeFile(join(folder, 'pyproject.toml'), '[project]\nname = "shop"\n');
    const { code, out, err } = await xlink(
      folder,
      'init',
      '--name',
      'shop',
      '--invite',
      await partner.invite(),
    );
    expect([code, out]).toEqual([0, expect.stringContaining('✓ Created xlink_client.py')]);
    expect(out).not.toContain('Ready');
    expect(err).toMatch(/has no API that takes signed requests now: .*signatures: true/);
    const { origin } = new URL(partner.url);
    expect(await readFile(join(folder, '.env'), 'utf8')).toContain(`XLINK_PARTNER_ORIGIN=${origin}\n`);
    await expect(stat(join(folder, 'package.json'))).rejects.toThrow();
    const read =
      'import sys; sys.modules["requests"] = type(sys)("requests"); sys.modules["requests"].Session = type("S", (), {}); ';
    const fake =
      'sys.modules["xlink"] = type(sys)("xlink"); sys.modules["xlink"].XlinkAuth = lambda *a, **k: None; sys.modules["xlink"].load_key = lambda k: None; ';
    await writeFile(join(folder, '.env'), 'XLINK_PARTNER_ORIGIN=https://api.partner.example\n');
    const python = await runProgram(
      'python3',
      ['-c', `${read}${fake}import xlink_client; print(xlink_client.ORIGIN)`],
      { cwd: folder },
    );
    expect(python.out).toBe('https://api.partner.example\n');
  });

  test('with an invite of an identity server says that it takes no messages', async () => {
    const server = await startServer(['--data', join(folder, 'server')]);
    const { json } = await request(server.url, 'POST', '/v1/invites', {
      token: server.adminToken,
      body: { scopes: ['orders'] },
    });
    await mkdir(join(folder, 'shop'));
    const { code, out, err } = await xlink(
      join(folder, 'shop'),
      'init',
      '--name',
      'shop',
      '--invite',
      json.code,
    );
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/test {6}not sent: .* takes no messages at .*identity server/),
    ]);
    expect(out).toContain('Ready to integrate');
    await server.end('SIGTERM');
  });

  test('a private address needs a word; this machine none, unless in production', async () => {
    const { agent } = partner;
    const { code } = await new Invites({ agent, url: 'https://10.1.2.3/xlink' }).create({ scopes: ['a'] });
    for (const words of [
      ['init', '--invite', code],
      ['accept', code],
    ]) {
      await xlink(folder, 'init', '--name', 'x', '--dir', join(folder, words[0]!));
      const dir = words[0] === 'accept' ? ['--dir', join(folder, 'accept')] : ['--dir', join(folder, 'new')];
      const refused = await xlink(folder, ...words, ...dir);
      expect([words[0], refused.code, refused.err]).toEqual([
        words[0],
        3,
        expect.stringContaining('add --allow-private'),
      ]);
    }
    const setting = { cwd: folder, env: { NODE_ENV: 'production' } };
    const local = await xlink(setting, 'accept', await partner.invite(), '--dir', join(folder, 'accept'));
    expect([local.code, local.err]).toEqual([3, expect.stringContaining('127.0.0.1')]);
    const named = await xlink(
      setting,
      'accept',
      await partner.invite(),
      '--allow-private',
      '--dir',
      join(folder, 'accept'),
    );
    expect(named.code).toBe(0);
  });

  test('in an empty folder makes a project, and can be run again', async () => {
    const code = await partner.invite();
    const first = await xlink(folder, 'init', '--invite', code, '--name', 'shop', '--json');
    expect([first.code, JSON.parse(first.out)]).toMatchObject([
      0,
      { status: 'connected', client: 'xlink-client.js' },
    ]);
    expect(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))).toMatchObject({
      type: 'module',
      private: true,
    });
    const again = await xlink(folder, 'init', '--invite', code);
    expect([again.code, again.err]).toEqual([0, expect.not.stringContaining('+++')]);
  });

  test('--dry-run shows what it would write, and does nothing', async () => {
    const { code, out, err } = await xlink(
      folder,
      'init',
      '--dry-run',
      '--json',
      '--invite',
      await partner.invite(),
    );
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { status: 'planned', changes: ['xlink-client.js', '.env', '.gitignore', 'package.json'] },
    ]);
    expect(err).toContain(`+XLINK_PARTNER_DID=${partner.agent.did}`);
    expect(await runProgram('ls', ['-A'], { cwd: folder })).toMatchObject({ out: '' });
  });

  test.each([
    ['http://127.0.0.1/$(id)', ['orders']],
    ["http://127.0.0.1/a'b", ['orders']],
  ])('takes nothing into code that means something there: %s', async (url, scopes) => {
    const { agent } = partner;
    const { code } = await new Invites({ agent, url }).create({ scopes });
    const { code: ended, err } = await xlink(folder, 'init', '--invite', code);
    expect([ended, err]).toEqual([2, expect.stringContaining('xlink accept')]);
    expect(await runProgram('ls', ['-A'], { cwd: folder })).toMatchObject({ out: '' });
  });

  test('overwrites nothing that is another file', async () => {
    await writeFile(join(folder, 'xlink-client.js'), 'mine');
    const { code, err } = await xlink(folder, 'init', '--invite', await partner.invite());
    expect([code, err]).toEqual([1, expect.stringContaining('xlink-client.js: There is one already')]);
    expect(await runProgram('ls', ['-A'], { cwd: folder })).toMatchObject({ out: 'xlink-client.js\n' });
  });
});
