import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** What an image says about how it is run, as `docker inspect` shows it. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Volumes: Readonly<Record<string, object>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

/** `buildah` with images of its own in a folder: no daemon, and no registry. Only root can. */
export class Buildah {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What it prints. Throws what it says when it fails. */
  run(...args: readonly string[]): string {
    const storage = ['--root', join(this.#folder, 'images'), '--runroot', join(this.#folder, 'run')];
    return execFileSync('buildah', [...storage, '--storage-driver', 'vfs', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 26,
    }).trim();
  }

  /** An image of a folder, by name. */
  imageOf(rootfs: string, name: string): void {
    const container = this.run('from', 'scratch');
    this.run('add', '--quiet', container, rootfs, '/');
    this.run('config', '--env', 'PATH=/usr/local/bin:/usr/bin:/bin', container);
    this.run('commit', '--quiet', '--rm', container, name);
  }

  configOf(name: string): ImageConfig {
    return JSON.parse(this.run('inspect', '--type', 'image', name)).Docker.config;
  }

  /** Lets go of everything, so that the folder can be removed. */
  close(): void {
    this.run('umount', '--all');
    this.run('rm', '--all');
  }
}

/** Programs that a Dockerfile of ours calls, beside Node and npm. */
const PROGRAMS = ['/bin/sh', '/usr/bin/install', '/usr/bin/env'];

/** As much of node:24-slim as is needed, made of the Node, npm and C library of this machine. */
export async function writeBase(rootfs: string): Promise<void> {
  const bin = join(rootfs, 'usr/local/bin');
  const modules = join(rootfs, 'usr/local/lib/node_modules');
  for (const path of [
    'usr/bin',
    'usr/lib',
    'usr/lib64',
    'usr/local/bin',
    'usr/local/lib/node_modules',
    'etc',
    'root',
    'proc',
    'dev',
  ])
    await mkdir(join(rootfs, path), { recursive: true });
  await mkdir(join(rootfs, 'tmp'), { mode: 0o777 });
  for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(rootfs, name));
  await copyFile(process.execPath, join(bin, 'node'));
  for (const program of PROGRAMS) await copyFile(program, join(rootfs, 'usr/bin', basename(program)));
  const libraries = execFileSync('ldd', [process.execPath, ...PROGRAMS], { encoding: 'utf8' });
  for (const library of new Set(libraries.match(/\/\S+\.so\S*/g) ?? [])) {
    const place = join(rootfs, library);
    await mkdir(dirname(place), { recursive: true });
    await copyFile(await realpath(library), place);
  }
  const npm = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  await cp(join(npm, 'npm'), join(modules, 'npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'));
  const users = ['root:x:0:0:root:/root:/bin/sh', 'node:x:1000:1000::/tmp:/bin/sh'];
  await writeFile(join(rootfs, 'etc/passwd'), `${users.join('\n')}\n`);
  await writeFile(join(rootfs, 'etc/group'), 'root:x:0:\nnode:x:1000:\n');
}

/** Options of `buildah bud` with which the npm of the image reaches the registry that the npm of this machine does. */
export async function npmAsHere(folder: string): Promise<readonly string[]> {
  const settingOf = (name: string) =>
    execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
  const [registry, authorities] = [settingOf('registry'), settingOf('cafile')];
  const file = join(folder, 'npmrc');
  const hasOwn = authorities.startsWith('/');
  const lines = [`registry=${registry}`, 'fetch-retries=2', 'update-notifier=false'];
  await writeFile(file, `${[...lines, ...(hasOwn ? [`cafile=${authorities}`] : [])].join('\n')}\n`);
  const volumes = [`${file}:/root/.npmrc:ro`, ...(hasOwn ? [`${authorities}:${authorities}:ro`] : [])];
  return volumes.flatMap((volume) => ['--volume', volume]);
}

/** Writes what `runc run` starts: the image as it says, its root read-only, as its user, without capabilities, in a network of its own. */
export async function writeBundle(
  bundle: string,
  image: ImageConfig,
  root: string,
  data: string,
): Promise<void> {
  await mkdir(bundle);
  execFileSync('runc', ['spec', '--bundle', bundle]);
  const file = join(bundle, 'config.json');
  const spec = JSON.parse(await readFile(file, 'utf8'));
  const users = await readFile(join(root, 'etc/passwd'), 'utf8');
  const [, , uid, gid] = users
    .split('\n')
    .find((line) => line.startsWith(`${image.User}:`))!
    .split(':');
  const mounts = spec.mounts.filter(({ type }: { type: string }) => type !== 'cgroup');
  const tmp = { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=1777'] };
  const [place] = Object.keys(image.Volumes);
  const volume = { destination: place, type: 'bind', source: data, options: ['bind', 'rw'] };
  const process = {
    ...spec.process,
    terminal: false,
    user: { uid: Number(uid), gid: Number(gid) },
    args: [...image.Entrypoint, ...image.Cmd],
    env: image.Env,
    cwd: image.WorkingDir,
    capabilities: {},
  };
  const made = { ...spec, process, root: { path: root, readonly: true }, mounts: [...mounts, tmp, volume] };
  await writeFile(file, JSON.stringify(made));
}
