import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { deployCommand, PLANS } from '../../src/deploy/deploy.js';
import { run } from '../../src/run.js';
import { describeWith, findProgram } from '../support/needs.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xlink-deploy-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function deploy(...args: string[]) {
  let out = '';
  let err = '';
  const output = { out: (line: string) => (out += `${line}\n`), err: (line: string) => (err += `${line}\n`) };
  const code = await run(['deploy', ...args], { deploy: deployCommand }, output as never);
  return { code, out, err };
}
const write = async (kind: string) => {
  const { code, err } = await deploy(
    kind,
    '--host',
    'id.example.com',
    '--out',
    folder,
    '--email',
    'ops@example.com',
  );
  expect([code, err]).toEqual([0, '']);
};
const text = (path: string) => readFile(join(folder, path), 'utf8');

describe('xlink deploy', () => {
  test.each(Object.keys(PLANS))(
    '%s: writes what parses, secrets for their owner, and nothing twice',
    async (kind) => {
      await write(kind);
      for (const path of await readdir(folder, { recursive: true })) {
        if (/\.ya?ml$/.test(path))
          for (const each of parseAllDocuments(await text(path)))
            expect([path, each.errors]).toEqual([path, []]);
        if (path.endsWith('.json')) JSON.parse(await text(path));
        if (/\.env$|metrics-token$/.test(path))
          expect([path, (await stat(join(folder, path))).mode & 0o777]).toEqual([path, 0o600]);
      }
      const again = await deploy(kind, '--host', 'id.example.com', '--out', folder);
      expect([again.code, again.err]).toEqual([
        1,
        expect.stringMatching(/There is one already, and it is not overwritten/),
      ]);
    },
  );

  test('leaves nothing half-written where a file is there already', async () => {
    await writeFile(join(folder, 'nginx.conf'), 'mine');
    expect((await deploy('compose', '--host', 'id.example.com', '--out', folder)).code).toBe(1);
    expect([await readdir(folder), await text('nginx.conf')]).toEqual([['nginx.conf'], 'mine']);
  });

  test.each([
    [['nonsense', '--host', 'a.example'], /name one kind: image, compose, kubernetes, systemd, actions/],
    [['compose'], /--host is required/],
    [['compose', '--host', 'a.example;rm -rf /'], /--host is required: a name/],
    [['compose', '--host', "a'b.example"], /--host is required: a name/],
    [['actions', '--host', 'a.example', '--email', "x'@y.example"], /--email is no address/],
    [['image', '--host', 'a.example', '--image', 'x y'], /--image is no name/],
    [['image', '--host', 'a.example', '--server', 'toString'], /--server is one of xlink, xlock/],
    [['systemd', '--host', 'a.example', '--server', 'xlock'], /for xlock there are image, compose/],
  ])('a wrong call: %j', async (args, message) => {
    const { code, err } = await deploy(...args, '--out', folder);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('compose: every part is hardened, and only nginx and Grafana can be reached', async () => {
    await write('compose');
    const { services, networks } = parse(await text('compose.yml'), { merge: true });
    for (const [name, service] of Object.entries(services) as [string, Record<string, unknown>][]) {
      expect([name, service['read_only'], service['cap_drop']]).toEqual([name, true, ['ALL']]);
      if (service['ports']) expect(['nginx', 'grafana']).toContain(name);
    }
    expect([networks.front, networks.back, networks.watch]).toEqual(Array(3).fill({ internal: true }));
    for (const [, file] of (await text('compose.yml')).matchAll(/^ +- \.\/([\w.-]+):/gm))
      if (file !== 'certs' && file !== 'acme') await stat(join(folder, file!));
    expect(await text('compose.yml')).not.toContain((await text('xlink.env')).split('=')[1]!.trim());
  });

  test('compose for xlock: its own port, options and variables, and nothing of the other server', async () => {
    const args = ['compose', '--server', 'xlock', '--host', 'login.example.com', '--out', folder];
    expect((await deploy(...args)).code).toBe(0);
    const { name, services } = parse(await text('compose.yml'), { merge: true });
    expect(name).toBe('xlock');
    expect(services.xlock).toMatchObject({
      image: 'private.me/xlock',
      read_only: true,
      environment: { XLOCK_STORE: 'redis://redis:6379' },
      env_file: ['xlock.env'],
    });
    expect(services.xlock.command.slice(-2)).toEqual(['--origin', 'https://login.example.com']);
    expect(services.nginx.depends_on).toEqual({ xlock: { condition: 'service_healthy' } });
    expect(await text('nginx.conf')).toContain('proxy_pass http://xlock:4500;');
    expect(await text('prometheus.yml')).toContain("['xlock:4500']");
    expect(JSON.parse(await text('package.json')).dependencies).toHaveProperty(['@private.me/xlock']);
    for (const path of await readdir(folder))
      expect([
        path,
        /3300|xlink-cli|xlink:|XLINK_/.test((await text(path)).replace('@private.me/xlink"', '')),
      ]).toEqual([path, false]);
  });

  test('the image runs as a user of its own, with a health check', async () => {
    await write('image');
    const dockerfile = await text('Dockerfile');
    expect(dockerfile.match(/^FROM /gm)).toHaveLength(2);
    for (const line of [/^USER node$/m, /^HEALTHCHECK /m, /^CMD \["serve"/m])
      expect(dockerfile).toMatch(line);
  });

  test('actions: secrets come by the environment of a step, and no input is put into a script', async () => {
    await write('actions');
    const { jobs, permissions } = parse(await text('.github/workflows/xlink-deploy.yml'));
    expect(permissions).toEqual({ contents: 'read' });
    for (const { run: script = '' } of jobs.deploy.steps) expect(script).not.toContain('${{');
    for (const [path, shell] of [['xlink/setup.sh', 'sh']] as const)
      expect(spawnSync(shell, ['-n', join(folder, path)]).status).toBe(0);
  });
});

describeWith(['nginx', 'openssl'], 'nginx', () => {
  test('takes the configuration', async () => {
    await write('compose');
    const certs = join(folder, 'certs');
    await mkdir(certs);
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ed25519',
        '-nodes',
        '-subj',
        '/CN=id.example.com',
        '-keyout',
        join(certs, 'privkey.pem'),
        '-out',
        join(certs, 'fullchain.pem'),
      ],
      { stdio: 'ignore' },
    );
    await chmod(folder, 0o755);
    const conf = (await text('nginx.conf'))
      .replaceAll('/tmp/', `${folder}/`)
      .replace('/dev/stdout', `${folder}/access.log`)
      .replaceAll('/etc/nginx/certs', certs)
      .replaceAll('http://xlink:3300', 'http://127.0.0.1:3300');
    await writeFile(join(folder, 'here.conf'), conf);
    const { status, stderr } = spawnSync(
      findProgram('nginx')!,
      ['-t', '-e', 'stderr', '-c', join(folder, 'here.conf')],
      { encoding: 'utf8' },
    );
    expect([status, stderr]).toEqual([0, expect.stringMatching(/test is successful/)]);
    expect(stderr).not.toMatch(/\[(warn|emerg|error)\](?!.*"user" directive)/);
  });
});

describeWith(['promtool'], 'Prometheus', () => {
  test('takes the configuration', async () => {
    await write('compose');
    await writeFile(
      join(folder, 'here.yml'),
      (await text('prometheus.yml')).replace('/etc/prometheus/token', join(folder, 'metrics-token')),
    );
    expect(
      spawnSync(findProgram('promtool')!, ['check', 'config', join(folder, 'here.yml')], { encoding: 'utf8' })
        .status,
    ).toBe(0);
  });
});

describeWith(['kubectl'], 'kubectl', () => {
  test('renders the manifests', async () => {
    await write('kubernetes');
    const rendered = execFileSync(findProgram('kubectl')!, ['kustomize', folder], { encoding: 'utf8' });
    const kinds = parseAllDocuments(rendered).map((each) => each.toJS().kind);
    expect(kinds.sort()).toEqual(['Namespace', 'NetworkPolicy', 'Service', 'StatefulSet']);
  });
});

describeWith(['systemd-analyze'], 'systemd', () => {
  test('takes the units, and finds little to complain of', async () => {
    await write('systemd');
    const unit = join(folder, 'xlink.service');
    await writeFile(unit, (await text('xlink.service')).replace('/usr/bin/node', process.execPath));
    const verify = (path: string) =>
      spawnSync(findProgram('systemd-analyze')!, ['verify', '--man=no', path], { encoding: 'utf8' });
    for (const path of [unit, join(folder, 'xlink-backup.service'), join(folder, 'xlink-backup.timer')]) {
      const { stderr } = verify(path);
      expect([
        path,
        stderr.split('\n').filter((line) => /xlink/.test(line) && !/xlink\.js/.test(line)),
      ]).toEqual([path, []]);
    }
    const { stdout } = spawnSync(
      findProgram('systemd-analyze')!,
      ['security', '--offline=yes', '--no-pager', unit],
      { encoding: 'utf8' },
    );
    expect(Number(/exposure level for .*: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2);
  });
});
