// What several scripts read in a package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Every file in a part of it, such as "exports", however deep. */
export const filesNamedIn = (value) =>
  typeof value === 'string' ? [value] : Object.values(value).flatMap(filesNamedIn);

/** Names of the published fronts, such as 'index', 'index.node' and 'client'. */
export const frontsOf = ({ exports }) => [
  ...new Set(
    filesNamedIn(exports)
      .map((file) => /^\.\/dist\/esm\/(.+)\.js$/.exec(file)?.[1])
      .filter(Boolean),
  ),
];
