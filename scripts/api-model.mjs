// What each published front exports, as API Extractor reads it from the declarations in dist/ (run the build first).
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
// Names that no front exports, but that signatures mention, are part of what users see.
const includeForgottenExports = true;
const silent = { default: { logLevel: 'none' } };
const loud = { default: { logLevel: 'warning' } };

/**
 * @typedef {{ name: string, declaration: string, doc: string }} ApiMember
 * @typedef {ApiMember & { kind: string, isExported: boolean, file: string, bases: string[], members: ApiMember[] }} ApiItem
 * @typedef {{ front: string, items: ApiItem[], problems: string[] }} FrontApi
 * @returns {FrontApi[]} the root first
 */
export function apiOfFronts() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const fronts = Object.keys(exports).filter((name) => name !== './package.json');
  const entries = fronts.map((front) => join(root, (exports[front].node ?? exports[front]).import.types));
  const absent = entries.find((entry) => !existsSync(entry));
  if (absent) throw new Error(`${relative(root, absent)} is not there: npm run build`);

  const folder = mkdtempSync(join(tmpdir(), 'xlink-api-'));
  try {
    const configs = entries.map((entry, index) => configOf(entry, entries, join(folder, `${index}.json`)));
    const compilerState = CompilerState.create(configs[0], { additionalEntryPoints: entries.slice(1) });
    return withInherited(
      configs.map((config, index) => {
        const problems = extract(config, compilerState);
        const { members } = JSON.parse(readFileSync(config.apiJsonFilePath, 'utf8')).members[0];
        return { front: fronts[index], items: members.map(itemOf), problems };
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function configOf(mainEntryPointFilePath, files, apiJsonFilePath) {
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  const { paths: _, ...options } = compilerOptions;
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath,
      compiler: { overrideTsconfig: { compilerOptions: options, files } },
      apiReport: { enabled: false },
      docModel: { enabled: true, apiJsonFilePath, includeForgottenExports },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: loud,
        tsdocMessageReporting: loud,
        extractorMessageReporting: silent,
      },
    },
  });
}

function extract(config, compilerState) {
  const problems = [];
  Extractor.invoke(config, {
    compilerState,
    localBuild: true,
    messageCallback(message) {
      message.handled = true;
      if (message.logLevel !== 'warning' && message.logLevel !== 'error') return;
      const { sourceFilePath, sourceFileLine, text } = message;
      problems.push(sourceFilePath ? `${relative(root, sourceFilePath)}:${sourceFileLine} ${text}` : text);
    },
  });
  return problems;
}

function itemOf(item) {
  const ranges = [
    item.extendsTokenRange,
    ...(item.extendsTokenRanges ?? []),
    ...(item.implementsTokenRanges ?? []),
  ];
  return {
    ...memberOf(item),
    // API Extractor tells a name from a global one by a number.
    name: item.name.replace(/_\d+$/, ''),
    kind: item.kind,
    isExported: !item.canonicalReference.includes('!~'),
    file: item.fileUrlPath.replace(/^dist\/esm\/(.*)\.d\.ts$/, 'src/$1.ts'),
    bases: ranges.flatMap((range) => (range ? [textOf(item, range)] : [])),
    members: (item.members ?? []).map(memberOf),
  };
}

// A constructor without a comment is given one by API Extractor, which says nothing.
const memberOf = (item) => ({
  name: item.name ?? 'constructor',
  declaration: item.excerptTokens
    .map(({ text }) => text)
    .join('')
    .trim(),
  doc: /^\/\*\*\s+\* Constructs a new instance of/.test(item.docComment) ? '' : plain(item.docComment),
});

const textOf = (item, { startIndex, endIndex }) =>
  item.excerptTokens
    .slice(startIndex, endIndex)
    .map(({ text }) => text)
    .join('');

const plain = (comment = '') =>
  comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .replace(/^[ \t]*\* ?/gm, '')
    .trim();

/** Of several of a name, the one that is exported. @returns {Map<string, ApiItem>} */
export function itemsByName(fronts) {
  const all = fronts
    .flatMap(({ items }) => items)
    .sort((a, b) => Number(a.isExported) - Number(b.isExported));
  return new Map(all.map((item) => [item.name, item]));
}

/** Bases as far as they are ours; `Omit<Base, 'x'>` is one, too. @returns {ApiItem[]} */
export const basesOf = ({ bases }, items) =>
  bases.flatMap((type) => type.match(/\w+/g)).flatMap((name) => items.get(name) ?? []);

/** What a base says of a member need not be said again: it is pointed to. */
function withInherited(fronts) {
  const items = itemsByName(fronts);
  for (const { items: own } of fronts)
    for (const item of own)
      for (const member of item.members) member.doc ||= pointerTo(member.name, item, items);
  return fronts;
}

function pointerTo(name, item, items) {
  for (const base of basesOf(item, items)) {
    const doc = base.members.find((member) => member.name === name)?.doc;
    const pointer = doc ? `As {@link ${base.name}.${name}}.` : pointerTo(name, base, items);
    if (pointer !== '') return pointer;
  }
  return '';
}
