import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { xlinkError } from '../../errors/service-errors.js';
import type { PolicySource } from '../../policy/source.js';
import { isString } from '../../util/options.js';

/**
 * A policy in a file of JSON, read again when the file is changed or replaced, as editors and Kubernetes do it. Replace it as a whole
 * (write beside it, then rename): half a document is refused, and the policy before stays in force. Throws `INVALID_OPTION`.
 */
export function policyFile(path: string): PolicySource {
  const complaint = isString(path);
  if (complaint)
    throw xlinkError('INVALID_OPTION', { field: 'path', hint: `policyFile: path must be ${complaint}.` });
  const full = resolve(path);
  return {
    load: () => readFile(full, 'utf8'),
    watch(changed) {
      // The folder is watched: a file that is replaced would take its watcher with it, and a link is another file then.
      const watcher = watch(dirname(full), { persistent: false }, (_, name) => {
        if (name === null || name === basename(full) || name.startsWith('..')) changed();
      });
      watcher.on('error', () => watcher.close());
      return () => watcher.close();
    },
  };
}
