// What each published front exports, as API Extractor reads it from the declarations in dist/ (run the build first).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { extractApi, fronts } from './api-extractor.mjs';
import { root } from './wings.mjs';

// Names that no front exports, but that signatures mention, are part of what users see.
const includeForgottenExports = true;

/**
 * @typedef {{ name: string, declaration: string, doc: string }} ApiMember
 * @typedef {ApiMember & { kind: string, isExported: boolean, file: string, bases: string[], members: ApiMember[] }} ApiItem
 * @typedef {{ front: string, items: ApiItem[], problems: string[] }} FrontApi
 * @returns {FrontApi[]} the root first
 */
export function apiOfFronts() {
  const folder = mkdtempSync(join(tmpdir(), 'xlink-api-'));
  const fileOf = ({ name }) => join(folder, `${name}.json`);
  const problems = fronts.map(() => []);
  try {
    extractApi(
      (front) => ({ docModel: { enabled: true, apiJsonFilePath: fileOf(front), includeForgottenExports } }),
      { onMessage: (message, index) => problems[index].push(lineOf(message)) },
    );
    return withInherited(
      fronts.map((front, index) => {
        const { members } = JSON.parse(readFileSync(fileOf(front), 'utf8')).members[0];
        return { front: front.name, items: members.map(itemOf), problems: problems[index] };
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const lineOf = ({ sourceFilePath, sourceFileLine, text }) =>
  sourceFilePath ? `${relative(root, sourceFilePath)}:${sourceFileLine} ${text}` : text;

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
