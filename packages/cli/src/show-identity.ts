import { identityOf } from './key-file.js';
import { type Output, UsageError } from './run.js';

/** `xlink identity show`: the DID of a file, and nothing else of it. */
export async function show(files: readonly string[], { out }: Output): Promise<number> {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0) throw new UsageError('show takes one file');
  out((await identityOf(file, 1)).did);
  return 0;
}
