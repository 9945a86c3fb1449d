// Puts what api-model.mjs found into Markdown: a page for each front, a section for each name.

const KINDS = {
  Class: 'class',
  Function: 'function',
  Interface: 'interface',
  TypeAlias: 'type',
  Variable: 'const',
};
const KIND_ORDER = ['class', 'function', 'const', 'interface', 'type'];
const MADE = 'Generated from the comments in `src/` by `npm run docs:api`; do not edit by hand.';

export const pageName = (front) => `${front}.md`;

export function indexPage(fronts) {
  const rows = fronts.map(({ front, items }) => {
    const names = items.filter(({ isExported }) => isExported).length;
    return items.length === 0
      ? `| ${titleOfFront(front)} | types of globals only |`
      : `| [${titleOfFront(front)}](${pageName(front)}) | ${names} |`;
  });
  return `${['# API reference', MADE, ['| import from | names |', '|---|---|', ...rows].join('\n')].join('\n\n')}\n`;
}

/** What several fronts export is described on the page of the first. @returns {[file: string, text: string][]} */
export function pagesOf(fronts) {
  const homes = new Map();
  for (const { front, items } of fronts)
    for (const item of items)
      if (!homes.has(idOf(item))) homes.set(idOf(item), { page: pageName(front), item });
  const links = linksTo([...homes.values()]);
  return fronts
    .filter(({ items }) => items.length > 0)
    .map((api) => [pageName(api.front), page(api, (item) => homes.get(idOf(item)).page, links)]);
}

function page({ front, items }, homeOf, links) {
  const here = pageName(front);
  const own = items.filter((item) => homeOf(item) === here).sort(byKindAndName);
  const elsewhere = items.filter((item) => item.isExported && homeOf(item) !== here).sort(byKindAndName);
  const linkFrom = (name) => links(name, here);
  const also = elsewhere.map(({ name }) => linkFrom(name)).join(', ');
  return `${[
    `# ${titleOfFront(front)}`,
    MADE,
    ...(own.length === 0 ? [] : [contents(own)]),
    ...(also === '' ? [] : [`Also exported here: ${also}.`]),
    ...own.map((item) => section(item, linkFrom)),
  ].join('\n\n')}\n`;
}

function contents(items) {
  return KIND_ORDER.map((kind) => items.filter((item) => KINDS[item.kind] === kind && item.isExported))
    .filter((some) => some.length > 0)
    .map(
      (some) =>
        `- ${KINDS[some[0].kind]}: ${some.map((item) => `[\`${item.name}\`](#${anchorOf(item)})`).join(', ')}`,
    )
    .join('\n');
}

function section(item, linkFrom) {
  const note = item.isExported ? '' : 'Not exported by this name: named by the signatures of others.';
  return [
    `## ${titleOf(item)}`,
    ['```typescript', item.declaration.replace(/^export (declare )?/, ''), '```'].join('\n'),
    note,
    prose(item.doc, linkFrom),
    item.members.map((member) => entry(member, linkFrom)).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function entry({ declaration, doc }, linkFrom) {
  const code = declaration.replace(/\s+/g, ' ').replace(/;$/, '');
  const text = prose(doc, linkFrom);
  return [
    `- \`${code}\``,
    ...(text === '' ? [] : ['', ...text.split('\n').map((line) => `  ${line}`.trimEnd())]),
  ].join('\n');
}

function prose(doc, linkFrom) {
  return doc
    .replace(/\{@link ([\w.]+)\}/g, (_, name) => linkFrom(name))
    .replace(/^@deprecated /gm, '**Deprecated.** ')
    .replace(/^```ts$/gm, '```typescript'); // ```ts blocks of docs/ are compiled
}

/** A link to the section of a name, or of the item that a member belongs to. */
function linksTo(homes) {
  const byName = new Map(homes.map(({ page, item }) => [item.name, `${page}#${anchorOf(item)}`]));
  return (name, here) => {
    const target = byName.get(name.split('.')[0]);
    return target
      ? `[\`${name}\`](${target.startsWith(`${here}#`) ? target.slice(here.length) : target})`
      : `\`${name}\``;
  };
}

const specifier = (front) => `@private.me/xlink${front.startsWith('index') ? '' : `/${front}`}`;
const titleOfFront = (front) =>
  `\`${specifier(front)}\`${front === 'index.node' ? ' in Node, Bun and Deno' : ''}`;
const idOf = ({ file, kind, name }) => `${file} ${kind} ${name}`;
const titleOf = ({ kind, name }) => `${KINDS[kind]} ${name}`;
const anchorOf = (item) =>
  titleOf(item)
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

function byKindAndName(a, b) {
  const difference = KIND_ORDER.indexOf(KINDS[a.kind]) - KIND_ORDER.indexOf(KINDS[b.kind]);
  return difference || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
