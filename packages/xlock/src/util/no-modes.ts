import { chmod } from 'node:fs/promises';
import { isSharedFile } from '@private.me/xlink/file';

/** Whether a file stays open to others whatever its owner does: on a file system without modes, such as FAT. */
export async function hasNoModes(path: string): Promise<boolean> {
  await chmod(path, 0o600).catch(() => {});
  return isSharedFile(path);
}
