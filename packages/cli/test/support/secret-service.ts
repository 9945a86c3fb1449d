import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** A D-Bus of a session that nobody else is on, and how to end it, with what is on it. */
export interface Bus {
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function startBus(home: string): Promise<Bus> {
  await mkdir(home, { mode: 0o700 });
  const child = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
    env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, DISPLAY: '' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const [address] = await once(createInterface({ input: child.stdout }), 'line');
  const env = { HOME: home, XDG_RUNTIME_DIR: home, DBUS_SESSION_BUS_ADDRESS: address, DISPLAY: '' };
  const close = async () => {
    child.kill();
    await ended;
  };
  return { env, close };
}

/** gnome-keyring on that bus, which ends with it; unlocked by a password, or with a keyring that nobody unlocks. */
export function startKeyring({ env }: Bus, password: string | undefined): void {
  const args = [password === undefined ? '--start' : '--unlock', '--components=secrets'];
  const { status, stderr } = spawnSync(
    'gnome-keyring-daemon',
    password === undefined ? args : [...args, '--daemonize'],
    { env: { ...process.env, ...env }, input: `${password ?? ''}`, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`gnome-keyring ended with ${status}: ${stderr}`);
}
