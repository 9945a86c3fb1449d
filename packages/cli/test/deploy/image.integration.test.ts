import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { deployCommand } from '../../src/deploy/deploy.js';
import { type DeployServer, SERVERS } from '../../src/deploy/servers.js';
import { run } from '../../src/run.js';
import { Buildah, type ImageConfig, npmAsHere, writeBase, writeBundle } from '../support/image.js';
import { describeWith } from '../support/needs.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const BASE = 'docker.io/library/node:24-slim';

/** Packages in the folder, which package.json names in the place of those of a registry. */
async function packInto(folder: string, packages: readonly string[]): Promise<void> {
  const places = packages.map((name) =>
    name === 'xlink' ? '.' : `./packages/${name.replace('xlink-', '')}`,
  );
  const packed = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder, ...places],
    { cwd: ROOT, encoding: 'utf8' },
  );
  const tarballs = packed.trim().split('\n');
  const file = join(folder, 'package.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  const own = packages.map((name, at) => [`@private.me/${name}`, `file:./${tarballs[at]}`]);
  const dependencies = { ...manifest.dependencies, ...Object.fromEntries(own) };
  await writeFile(file, JSON.stringify({ ...manifest, dependencies }));
}

/** In the image of xlock: registers and logs in, with the packages that are there. */
const LOGIN = `
import { Identity } from '@private.me/xlink';
import { MemoryBackend, PasskeyVault, XlockDevice } from '@private.me/xlock';
const ask = async (path, body) => {
  const headers = { authorization: 'Bearer ' + process.argv[1], 'content-type': 'application/json' };
  const answer = await fetch('http://127.0.0.1:4500' + path, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
  if (!answer.ok) throw new Error(path + ' ' + (await answer.text()));
  return answer.json();
};
const send = (answer) => ask('/v1/answer', answer);
const stores = ['a', 'b', 'c'].map((id) => new MemoryBackend(id));
const vault = new PasskeyVault({ stores });
const identity = await Identity.fromSeed(new Uint8Array(32).fill(9));
const device = new XlockDevice({ identity, vault, name: 'phone' });
await device.register((await ask('/v1/register/challenge', { userId: 'ada' })).appLink, { send });
const login = await ask('/v1/auth/challenge', { userId: 'ada' });
await device.approve(login.appLink, { digits: login.match, seenOrigin: login.origin, send });
console.log((await ask('/v1/auth/' + login.id)).state);
vault.close();
`;

describeWith(['buildah', 'runc', 'ldd'], 'the image of xlink deploy', () => {
  const name = `xlink-test-${randomBytes(4).toString('hex')}`;
  let folder: string;
  let buildah: Buildah;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-image-'));
    buildah = new Buildah(folder);
    await writeBase(join(folder, 'base'));
    buildah.imageOf(join(folder, 'base'), BASE);
  }, 120_000);
  afterEach(() => void spawnSync('runc', ['delete', '--force', name], { stdio: 'ignore' }));
  afterAll(async () => {
    buildah.close();
    await rm(folder, { recursive: true, force: true });
  });

  const inside = (user: string, ...command: string[]) =>
    spawnSync('runc', ['exec', '--user', user, name, ...command], { encoding: 'utf8' });

  async function built(server: DeployServer): Promise<ImageConfig> {
    const context = join(folder, server.name);
    const silent = { out() {}, err() {} };
    const args = ['deploy', 'image', '--server', server.name, '--host', 'id.example.com', '--out', context];
    expect(await run(args, { deploy: deployCommand }, silent as never)).toBe(0);
    await packInto(context, server.packages);
    const options = ['--isolation', 'chroot', '--format', 'docker', '--pull-never'];
    buildah.run('bud', ...options, ...(await npmAsHere(context)), '--tag', server.image, context);
    return buildah.configOf(server.image);
  }

  test.each(Object.values(SERVERS))(
    '$name runs as a user of its own on a read-only disk, answers, is healthy, and stops when it is told to',
    async (server) => {
      const image = await built(server);
      expect(image.User).toBe('node');
      const root = buildah.run('mount', buildah.run('from', '--pull-never', server.image));
      const [data, bundle] = ['data', 'bundle'].map((part) => join(folder, `${part}-${server.name}`)) as [
        string,
        string,
      ];
      await mkdir(data);
      await chown(data, 1000, 1000);
      await chmod(data, 0o700);
      await writeBundle(bundle, image, root, data);
      const child = spawn('runc', ['run', '--bundle', bundle, name], { stdio: ['ignore', 'pipe', 'pipe'] });
      const ended = once(child, 'close');
      const said: string[] = [];
      child.stderr.on('data', (chunk) => said.push(String(chunk)));
      const lines = createInterface({ input: child.stdout });
      const heard = once(lines, 'close');
      lines.on('line', (line) => said.push(line));
      await Promise.race([
        new Promise<void>((resolve) => {
          lines.on('line', (line) => line.startsWith('admin ') && resolve());
        }),
        ended.then(() => {
          throw new Error(`it ended early: ${said.join('\n')}`);
        }),
      ]);

      const ask = `fetch('http://127.0.0.1:${server.port}/health').then(async (a) => console.log(a.status, await a.text()))`;
      expect(inside('1000:1000', 'node', '-e', ask).stdout).toMatch(/^200 \{"status":"ok"/);
      const [kind, ...check] = image.Healthcheck.Test;
      expect([kind, inside('1000:1000', ...check).status]).toEqual(['CMD', 0]);
      // Root in there can write to /data alone: it is the disk that is read-only, and not just the user who may not.
      const read = inside('0:0', 'sh', '-c', 'echo x > /app/x').stderr;
      expect(read).toMatch(/Read-only file system/);
      const who = 'console.log(process.getuid(), require("node:fs").readFileSync("/proc/1/status", "utf8"))';
      const status = inside('1000:1000', 'node', '-e', who).stdout;
      expect(status).toMatch(/^1000 /);
      expect(status).toMatch(/^Uid:\t1000\t1000/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);

      if (server === SERVERS.xlock) {
        const token = /^admin +(\S+)/m.exec(said.join('\n'))![1]!;
        const login = inside('1000:1000', 'node', '--input-type=module', '-e', LOGIN, token);
        expect([login.stdout, login.stderr]).toEqual(['approved\n', '']);
      }

      execFileSync('runc', ['kill', name, 'TERM']);
      expect(await ended).toEqual([0, null]);
      await heard;
      expect(said).toContain('stopped');
      const [identity] = (await readdir(data)).filter((file) => file.startsWith('identity.'));
      expect((await stat(join(data, identity!))).mode & 0o777).toBe(0o600);
    },
    300_000,
  );

  test('is carried to a machine without a network as a file, as docker save writes it', async () => {
    const { image } = SERVERS.xlink; // of the test before
    const file = join(folder, 'image.tar');
    buildah.run('push', '--quiet', image, `docker-archive:${file}:${image}`);
    const there = new Buildah(join(folder, 'there'));
    try {
      there.run('pull', '--quiet', `docker-archive:${file}`);
      expect(there.configOf(image)).toEqual(buildah.configOf(image));
    } finally {
      there.close();
    }
  });
});
