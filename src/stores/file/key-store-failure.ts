import type { ErrorId } from '../../errors/table.js';
import { keyStoreError } from '../../identity/key-store-error.js';
import { FileStoreError, type FileStoreFault } from './file-store-error.js';

const IDS: Partial<Record<FileStoreFault, ErrorId>> = {
  EDAMAGED: 'KEY_STORE_DAMAGED',
  EFOREIGN: 'KEY_STORE_DAMAGED',
  ELOST: 'KEY_STORE_ROLLED_BACK',
};

/** What goes wrong with a file of keys becomes an error that says whether it is worth trying again, with its `cause`. */
export async function keyStoreFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw keyStoreError(cause, cause instanceof FileStoreError ? IDS[cause.code] : undefined);
  }
}
