import { readFile } from 'node:fs/promises';
import { postAnswer } from '../device/post-answer.js';
import type { Passkey } from '../passkey/vault.js';
import { approveAll } from './approve.js';
import { auditAll } from './audit-shares.js';
import { callOf, type Values } from './call.js';
import { decide, EXIT, stoppable } from './decide.js';
import { failureLines, problemLine } from './failure.js';
import { HELP, helpOf } from './help.js';
import { type Home, homeOf, openHome } from './home.js';
import { init } from './init.js';
import { moveShares } from './move-shares.js';
import { type Terminal, UsageError } from './output.js';
import { linesOf } from './show.js';

type Task = (home: Home, values: Values, link: string | undefined, terminal: Terminal) => Promise<number>;

const TASKS: Readonly<Record<string, Task>> = {
  async register({ device, channel }, { replace = false }, link, { out, err }) {
    const text = needed(link, 'the link of the service');
    for (const line of linesOf(await device.view(text), Date.now())) out(line);
    let passkey: Passkey | undefined;
    await device.register(text, {
      send: postAnswer,
      replace,
      onStored(made) {
        passkey = made;
      },
    });
    out(channel ? 'Registered. xlock approve waits for logins.' : 'Registered.');
    if (passkey) sayStored(passkey, out, err);
    return 0;
  },
  async approve(home, values, link, terminal) {
    if (link === undefined) return approveAll(home, values, terminal);
    const challenge = await home.device.view(link);
    const send = (answer: Parameters<typeof postAnswer>[0]) => postAnswer(answer, challenge);
    return stoppable(async (stopped) => {
      const more = { said: values, stopped };
      return EXIT[await decide(home.device, challenge, link, send, terminal, more)];
    });
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
  audit: (home, _values, _link, terminal) => auditAll(home, terminal),
  async rotate({ device, vault }, { service, user }, _link, { out, err }) {
    const known = await device.passkeys();
    for (const { service: at, userId } of service === undefined ? known : [ownerIn(service, user)]) {
      out(`${at}  ${userId === '' ? '-' : userId}`);
      const did = known.find((one) => one.service === at && one.userId === userId)?.did;
      sayStored(await vault.rotate({ service: at, userId, ...(did === undefined ? {} : { did }) }), out, err);
    }
    return 0;
  },
  async recover({ device }, { service, user }, _link, { out, err }) {
    const passkey = await device.recover(ownerIn(service, user));
    out(`Recovered ${passkey.did}.`);
    sayStored(passkey, out, err);
    out('Now let the service register this device, and revoke the lost one there.');
    return 0;
  },
  async codes(home, { service, user }, _link, terminal) {
    return (await import('./codes.js')).makeCodes(home, ownerIn(service, user), terminal);
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
  if (args[0] === 'help' || args.some((arg) => arg === '--help' || arg === '-h')) return help(args, terminal);
  if (args[0] === '--version') return version(terminal);
  if (args[0] === 'serve') return (await import('./serve.js')).serve(args.slice(1), terminal);
  if (args[0] === 'export') return (await import('./audit-log.js')).exportLog(args.slice(1), terminal);
  if (args[0] === 'verify') return (await import('./audit-log.js')).verifyLog(args.slice(1), terminal);
  const { name, values, link } = callOf(args);
  const home = homeOf(values.home, env);
  if (name === 'init') return init(home, values, terminal, env);
  if (name === 'rotate' && values.without !== undefined)
    return moveShares(home, { without: values.without, added: values.store ?? [] }, terminal, env);
  const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (!task) throw new UsageError('there is no such command');
  const opened = await openHome(home, env, (error) => terminal.err(`xlock: ${failureLines(error)[0]}`));
  try {
    return await task(opened, values, link, terminal);
  } finally {
    opened.close();
  }
}

function help(args: readonly string[], { out }: Terminal): number {
  const [name] = (args[0] === 'help' ? args.slice(1) : args).filter((arg) => !arg.startsWith('-'));
  const text = name === undefined ? HELP : helpOf(name);
  if (text === undefined) throw new UsageError('there is no such command');
  out(text);
  return 0;
}

async function version({ out }: Terminal): Promise<number> {
  const file = new URL('../../package.json', import.meta.url);
  out(String(JSON.parse(await readFile(file, 'utf8')).version));
  return 0;
}

/** Where its shares are, and where not. */
function sayStored(
  { stored, problems, threshold }: Passkey,
  out: Terminal['out'],
  err: Terminal['err'],
): void {
  out(`Shares are in ${stored.join(', ')}; it takes ${threshold}.`);
  if (problems.length === 0) return;
  err('xlock: WARNING: not in all stores. Run xlock rotate once these are back:');
  for (const { id, reason } of problems) err(problemLine(id, reason));
}

function needed(link: string | undefined, what: string): string {
  if (link === undefined) throw new UsageError(`${what} is needed`);
  return link;
}

function ownerIn(service: string | undefined, userId = ''): { service: string; userId: string } {
  if (service === undefined) throw new UsageError('--service is needed');
  return { service, userId };
}
