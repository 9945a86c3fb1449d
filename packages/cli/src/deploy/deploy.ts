import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../failures.js';
import { makePlace } from '../local/secret-file.js';
import { FLAG, read, show, TEXT } from '../options.js';
import { type Command, UsageError } from '../run.js';
import { packageVersion } from '../server/serve-options.js';
import { actionsPlan } from './actions.js';
import { composePlan } from './compose.js';
import { imageFiles } from './image.js';
import { kubernetesPlan } from './kubernetes.js';
import type { DeployFacts, DeployFile, DeployPlan } from './plan.js';
import { SERVERS } from './servers.js';
import { systemdPlan } from './systemd.js';

/** By the word behind `xlink deploy`. */
export const PLANS: Readonly<Record<string, (facts: DeployFacts) => DeployPlan>> = {
  image: (facts) => ({ files: imageFiles(facts), next: [`docker build -t ${facts.image} .`] }),
  compose: composePlan,
  kubernetes: kubernetesPlan,
  systemd: systemdPlan,
  actions: actionsPlan,
};

/** What there is for every server; the others are for the identity server. */
const FOR_ALL: readonly string[] = ['image', 'compose'];

/** `xlink deploy`. */
export const deployCommand: Command = {
  summary: 'write what a server runs with: image, compose, Kubernetes, systemd, GitHub',
  help: `Usage: xlink deploy KIND --host NAME [options]

Writes files, and says what to do with them; it changes no other machine.

  KIND            image, compose, kubernetes, systemd or actions
  --host NAME     the name that callers use, such as id.example.com
  --server NAME   xlink (default), the identity server; xlock, the auth server of
                  @private.me/xlock: image and compose
  --out FOLDER    where to (default .); files that are there are not overwritten
  --image NAME    of the image (default private.me/xlink-cli, or private.me/xlock)
  --email ADDRESS for Let's Encrypt, with actions
  --json          data as one line of JSON`,
  async run(args, output) {
    const options = { host: TEXT, server: TEXT, out: TEXT, image: TEXT, email: TEXT, json: FLAG } as const;
    const { values, words } = read(args, options, 1);
    const kind = words[0] ?? '';
    const plan = Object.hasOwn(PLANS, kind) ? PLANS[kind]! : undefined;
    if (!plan) throw new UsageError(`name one kind: ${Object.keys(PLANS).join(', ')}`);
    const { server: name = 'xlink', host = '', out = '.', email = '' } = values;
    if (!Object.hasOwn(SERVERS, name))
      throw new UsageError(`--server is one of ${Object.keys(SERVERS).join(', ')}`);
    const server = SERVERS[name as keyof typeof SERVERS];
    if (server !== SERVERS.xlink && !FOR_ALL.includes(kind))
      throw new UsageError(`${kind} is for the identity server; for ${name} there are ${FOR_ALL.join(', ')}`);
    const { image = server.image } = values;
    if (!/^(?=.{1,253}$)[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)+$/.test(host))
      throw new UsageError('--host is required: a name such as id.example.com');
    if (!/^[a-z\d][a-z\d._/:-]{0,254}$/.test(image)) throw new UsageError('--image is no name of an image');
    if (email !== '' && !/^[\w.+-]{1,64}@[\w.-]{1,189}$/.test(email))
      throw new UsageError('--email is no address');
    const secret = randomBytes(32).toString('hex');
    const { files, next } = plan({ server, host, image, email, secret, version: await packageVersion() });
    await writeAll(out, files);
    const written = files.map(({ path }) => join(out, path));
    show(output, values, { status: 'written', files: written, next }, [
      ...written,
      ...next.map((step) => `next      ${step}`),
    ]);
    return 0;
  },
};

/** All of them or none. */
async function writeAll(out: string, files: readonly DeployFile[]): Promise<void> {
  const written: string[] = [];
  try {
    for (const { path, text, isSecret } of files) {
      const place = join(out, path);
      await makePlace(dirname(place), 0o777);
      await writeFile(place, text, { flag: 'wx', mode: isSecret ? 0o600 : 0o644 }).catch((cause: unknown) => {
        throw (cause as { code?: string }).code === 'EEXIST'
          ? new Failure('EXISTS', place, { cause })
          : cause;
      });
      written.push(place);
    }
  } catch (error) {
    for (const place of written) await rm(place, { force: true });
    throw error;
  }
}
