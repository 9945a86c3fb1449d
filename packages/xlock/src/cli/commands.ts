import { parseArgs } from 'node:util';
import { postAnswer } from '../device/post-answer.js';
import { integerIn } from '../util/options.js';
import { approveAll } from './approve.js';
import { decide } from './decide.js';
import { configOf, type Home, homeOf, initialized, openHome, storeOf } from './home.js';
import { type Terminal, UsageError } from './output.js';
import { linesOf } from './show.js';

/** What `--help` says. */
export const HELP = `Usage: xlock <command> [options]

  init                 writes the configuration: --store two or more times
  register LINK        makes a passkey for a service, or adds this device to one
  approve              waits for pushes over the relay, and asks for each
  approve LINK         asks for one login; exit code 3: it was denied
  deny LINK            denies one login
  list                 the passkeys of this device
  audit                the state of each share, of all passkeys
  rotate               new shares of the same key: --service, --user
  recover              a passkey from the stores, on a new device: --service, --user
  whoami               the DID of this device

  --home DIR           configuration and key of the device (default $XLOCK_HOME, or ~/.xlock)
  --store PLACE        file:FOLDER, https://… (WebDAV), or s3:https://ENDPOINT/BUCKET
  --threshold K        how many of the stores it takes (default 2)
  --relay URL          where pushes come from
  --name NAME          of this device, for lists (default: terminal)
  --seen HOST          of approve LINK: what the address bar shows, instead of asking
  --digits NN          of approve LINK: the digits of the login page, instead of asking
  --quiet HH:MM-HH:MM  of approve: when nothing is asked
  --once               of approve: ends after the first decision
  --service ORIGIN     such as https://acme.com
  --user NAME          the account at the service (default: none)

The folders of file: are below --home unless they begin with /. Their key lies in --home/store.key: two file: stores on one disk
protect against losing a file, not against a thief of the disk.`;

const OPTIONS = {
  home: { type: 'string' },
  store: { type: 'string', multiple: true },
  threshold: { type: 'string' },
  relay: { type: 'string' },
  name: { type: 'string' },
  seen: { type: 'string' },
  digits: { type: 'string' },
  quiet: { type: 'string' },
  once: { type: 'boolean' },
  service: { type: 'string' },
  user: { type: 'string' },
} as const;

type Values = ReturnType<typeof parsed>['values'];
const parsed = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });

type Task = (home: Home, values: Values, link: string | undefined, terminal: Terminal) => Promise<number>;

const TASKS: Readonly<Record<string, Task>> = {
  async register({ device, channel }, _values, link, { out }) {
    const text = needed(link, 'the link of the service');
    for (const line of linesOf(await device.view(text), Date.now())) out(line);
    await device.register(text, { send: postAnswer });
    out(channel ? 'Registered. xlock approve waits for logins.' : 'Registered.');
    return 0;
  },
  async approve(home, values, link, terminal) {
    if (link === undefined) return approveAll(home, values, terminal);
    const challenge = await home.device.view(link);
    const send = (answer: Parameters<typeof postAnswer>[0]) => postAnswer(answer, challenge);
    return (await decide(home.device, challenge, link, send, terminal, values)) ? 0 : 3;
  },
  async deny({ device }, _values, link, { out }) {
    await device.deny(needed(link, 'the link of the login'), { send: postAnswer });
    out('Denied.');
    return 0;
  },
  async list({ device }, _values, _link, { out }) {
    for (const { service, userId, did } of await device.passkeys())
      out(`${service}  ${userId === '' ? '-' : userId}  ${did}`);
    return 0;
  },
  async audit({ device, vault }, _values, _link, { out }) {
    let isFine = true;
    for (const owner of await device.passkeys()) {
      const { service, userId } = owner;
      const { stores, good, threshold, spare, isWhole } = await vault.audit({ service, userId });
      isFine &&= isWhole;
      out(
        `${service}  ${userId === '' ? '-' : userId}  ${good} good, ${threshold} needed, ${spare} to spare`,
      );
      for (const { id, state } of stores) out(`  ${state.padEnd(11)}  ${id}`);
    }
    return isFine ? 0 : 3;
  },
  async rotate({ vault }, { service, user }, _link, { out }) {
    const { stored, missing } = await vault.rotate(ownerIn(service, user));
    out(`New shares in ${stored.join(', ')}.`);
    for (const id of missing) out(`None in ${id}: run it again once it is back.`);
    return 0;
  },
  async recover({ device }, { service, user }, _link, { out }) {
    const { did } = await device.recover(ownerIn(service, user));
    out(`Recovered ${did}.`);
    out('Now let the service register this device, and revoke the lost one there.');
    return 0;
  },
  async whoami({ device }, _values, _link, { out }) {
    out(device.id);
    return 0;
  },
};

/** Runs a command; resolves to the exit code. */
export async function xlockCommand(
  args: readonly string[],
  terminal: Terminal,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const { values, positionals } = parsed(args);
  const [name = '', link, ...more] = positionals;
  if (more.length > 0) throw new UsageError('there is one link at most');
  const home = homeOf(values.home, env);
  if (name === 'init') return init(home, values, terminal, env);
  const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (!task) throw new UsageError(name === '' ? 'a command is required' : 'there is no such command');
  const opened = await openHome(home, env, (error) => terminal.err(`xlock: ${(error as Error).message}`));
  try {
    return await task(opened, values, link, terminal);
  } finally {
    opened.close();
  }
}

async function init(
  home: string,
  { store = [], threshold = '2', relay, name = 'terminal' }: Values,
  { out }: Terminal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const needs = Number(threshold);
  if (store.length < 2 || store.length > 9) throw new UsageError('--store is needed 2 to 9 times');
  if (!integerIn(2, store.length)(needs)) throw new UsageError(`--threshold is 2 to ${store.length}`);
  for (const [at, text] of store.entries()) storeOf(text, at, home, env);
  const config = { name, stores: store, threshold: needs, ...(relay === undefined ? {} : { relay }) };
  if (!(await initialized(home, config))) {
    await configOf(home);
    throw new UsageError('there is a configuration already: change config.json, or use another --home');
  }
  const opened = await openHome(home, env, () => {});
  out(`device  ${opened.device.id}`);
  out(`shares  ${needs} of ${store.length} stores`);
  out(`relay   ${relay ?? 'none: logins are approved by their links'}`);
  opened.close();
  return 0;
}

function needed(link: string | undefined, what: string): string {
  if (link === undefined) throw new UsageError(`${what} is needed`);
  return link;
}

function ownerIn(service: string | undefined, userId = ''): { service: string; userId: string } {
  if (service === undefined) throw new UsageError('--service is needed');
  return { service, userId };
}
