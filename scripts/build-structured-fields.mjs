// Bundles the parser of structured fields (RFC 9651) that src/signature/ uses into src/signature/structured-fields.ts, so that
// it is no dependency of ours. Runs after `npm ci` (prepare), before a build and before tests.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { licenseOf, writeIfChanged } from './bundles.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'src/signature/structured-fields.ts');

const HEAD = `// @ts-nocheck: the types are below, the code is that of the package.
// Made by scripts/build-structured-fields.mjs. Not to be edited, and not in the repository.
`;

const TYPES = `
/** A bare item: tokens, dates and display strings are objects that this package does not use. */
export type BareItem = string | number | boolean | ArrayBuffer | object;
/** Parameters, in order. */
export type Parameters = ReadonlyMap<string, BareItem>;
/** An item, or an inner list of items, with its parameters. */
export type Item = readonly [value: BareItem, parameters: Parameters];
export type InnerList = readonly [items: readonly Item[], parameters: Parameters];
/** The members of a dictionary by key (RFC 9651 section 3.2). Throws for anything else. */
const dictionaryIn: (text: string) => ReadonlyMap<string, Item | InnerList> = parse;
/** An inner list as it is written (RFC 9651 section 4.1.1.1). */
const innerListText: (list: InnerList) => string = serialize;
export { dictionaryIn as parseDictionary, innerListText as serializeInnerList };
`;

/** Jest calls it before the tests. */
export default async function buildStructuredFields() {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { parseDictionary as parse, serializeInnerList as serialize } from 'structured-headers';
globalThis.kept = [parse, serialize];`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
  });
  const code = outputFiles[0].text
    .replace(/\nglobalThis\.kept = \[(\w+), (\w+)\];\n/, '\nconst [parse, serialize] = [$1, $2];\n')
    .replace(/^\/\/ (node_modules|<stdin>).*\n/gm, '');
  if (!code.includes('const [parse, serialize]')) throw new Error('the bundle has lost its functions');
  const notice = `/*!\n${licenseOf('structured-headers', root)}\n*/\n`;
  writeIfChanged(target, `${HEAD}${notice}${code}${TYPES}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildStructuredFields();
