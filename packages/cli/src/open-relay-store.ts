import { FileRelayStore, type FileRelayStoreOptions, FileStoreError } from '@private.me/xlink/file';
import type { Output } from './run.js';

/** How long a relay that is about to end is waited for, in ms. */
const WAIT_MS = 10_000;

/** Opens the messages. If another process holds them, says which one, waits for it, and then fails with `ELOCKED`. */
export async function openRelayStore(
  options: Omit<FileRelayStoreOptions, 'lockWaitMs'>,
  { err }: Output,
  waitMs = WAIT_MS,
): Promise<FileRelayStore> {
  try {
    return await FileRelayStore.open({ ...options, lockWaitMs: 0 });
  } catch (error) {
    if (!(error instanceof FileStoreError) || error.code !== 'ELOCKED') throw error;
    err(`${error.message}; waiting for ${waitMs / 1000} s`);
    return FileRelayStore.open({ ...options, lockWaitMs: waitMs });
  }
}
