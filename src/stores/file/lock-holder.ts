import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { FileStoreError } from './file-store-error.js';

/** Who holds a lock. A process is told from a later one of the same number by when it was started. */
export interface Holder {
  readonly pid: number;
  /** Start of the process, in ticks since the boot; empty where the system does not tell. */
  readonly started: string;
  readonly boot: string;
  readonly host: string;
}

/** Rejects with `ELOCKED` unless the holder that the file names is gone. */
export async function assertGone(name: string): Promise<void> {
  let holder: Holder;
  try {
    holder = JSON.parse(await readFile(name, 'utf8'));
  } catch (error) {
    // A lock appears whole. It is empty when it was released, and may be half there after a power cut.
    if (error instanceof SyntaxError || (error as { code?: string }).code === 'ENOENT') return;
    throw error;
  }
  if (typeof holder?.pid !== 'number') return;
  if (holder.host !== hostname())
    throw new FileStoreError(
      'ELOCKED',
      `${name} was made on another host; remove it if that one no longer writes`,
    );
  if (holder.boot === bootId() && isAlive(holder))
    throw new FileStoreError(
      'ELOCKED',
      `${name} is held by process ${holder.pid}; stop that, or use another file`,
    );
}

/** This process. */
export const myself = (): Holder => ({
  pid: process.pid,
  started: startOf(process.pid),
  boot: bootId(),
  host: hostname(),
});

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks
  } catch (error) {
    if ((error as { code?: string }).code === 'ESRCH') return false;
  }
  return startOf(pid) === started;
}

const bootId = (): string => fromSystem('/proc/sys/kernel/random/boot_id').trim();

/** Field 22 of `stat`; the name of the program, in brackets before it, may hold anything. */
const startOf = (pid: number): string =>
  fromSystem(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ')[19] ?? '';

function fromSystem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
