// The auth server as it is started: `xlock serve`.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { authorizationVariable } from '../src/cli/places.js';
import { afterTest, until } from './support.js';

/** Variables with the authorization of a user, for each share store that was named. */
const variables: Record<string, string> = {};
const AUTHORIZATION = `Bearer ${Buffer.alloc(32, 7).toString('base64url')}`;

/** The command as it is built. */
const PROGRAM = fileURLToPath(new URL('../dist/xlock.js', import.meta.url));

/** `xlock serve` as a program, on a free port unless one is given. */
export async function started(data: string, ...args: string[]) {
  const child: ChildProcess = spawn(
    process.execPath,
    [PROGRAM, 'serve', '--data', data, '--port', '0', ...args],
    {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: 'pipe',
    },
  );
  let said = '';
  child.stdout!.on('data', (chunk) => (said += chunk));
  child.stderr!.on('data', (chunk) => (said += chunk));
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    return (await ended)[0] as number | null;
  };
  afterTest(() => end('SIGKILL'));
  const url = await until('the server listens', () => {
    if (child.exitCode !== null) throw new Error(said);
    return /^url {4}(\S+)\n/m.exec(said)?.[1];
  });
  const token = await until('it has begun', async () =>
    (await fetch(`${url}/health`)).ok ? (/^admin {2}(\S+) /m.exec(said)?.[1] ?? '-') : undefined,
  );
  return { url, token, end };
}

/** What the API answers; rejects for a problem. */
export async function ask(url: string, token: string, path: string, body?: unknown) {
  const response = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const value = await response.json();
  if (!response.ok) throw Object.assign(new Error(String(value.code)), value);
  return value;
}

/** The command, to its end, with a home of its own. */
export async function xlock(
  home: string,
  ...args: string[]
): Promise<{ readonly code: number; readonly said: string }> {
  for (const url of args.filter((arg) => arg.startsWith('http')))
    variables[authorizationVariable(url)] = AUTHORIZATION;
  const env = { ...process.env, XLOCK_HOME: home, ...variables, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const [code] = await once(child, 'close');
  return { code: code as number, said };
}
