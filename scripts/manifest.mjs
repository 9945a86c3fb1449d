// What several scripts read in a package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Every file in a part of it, such as "exports", however deep. */
export const filesNamedIn = (value) =>
  typeof value === 'string' ? [value] : Object.values(value).flatMap(filesNamedIn);

/**
 * The published fronts. The root is two: 'index' as browsers see it, 'index.node'.
 * @returns {{ name: string, file: string }[]} `file` below dist/esm, without its ending
 */
export const frontsOf = ({ exports }) =>
  Object.entries(exports).flatMap(([subpath, conditions]) => {
    const files = filesNamedIn(conditions).map(
      (file) => /^\.\/dist\/(?:esm|node)\/(.+)\.js$/.exec(file)?.[1],
    );
    return [...new Set(files.filter(Boolean))].map((file) => ({
      name: subpath === '.' ? file : subpath.slice(2),
      file,
    }));
  });
