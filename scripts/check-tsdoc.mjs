// Every name that a front exports, and every member of it, has a TSDoc comment that parses and whose links lead somewhere.
import { apiOfFronts, basesOf, itemsByName } from './api-model.mjs';

// What is used of the types of Node, Koa, OpenTelemetry and clients of Redis: it is documented there.
const FOREIGN =
  /^(ApiSpans?|OpenTelemetryApi|Node(Request|Response)|Koa(Context|Response)|WebSocketLike|\w+Commands)$/;

const fronts = apiOfFronts();
const items = itemsByName(fronts);
const published = withBases([...items.values()].filter(({ isExported }) => isExported));
const problems = [...fronts.flatMap(({ problems }) => problems), ...published.flatMap(gapsOf)];

if (problems.length === 0) {
  console.log(`${published.length} names in ${fronts.length} fronts have TSDoc`);
} else {
  console.error([...new Set(problems)].sort().join('\n'));
  process.exitCode = 1;
}

/** A base that no front exports still gives its members to what does. */
function withBases(some) {
  const all = new Set(some);
  for (const item of all) for (const base of basesOf(item, items)) all.add(base);
  return [...all];
}

function gapsOf(item) {
  const members = FOREIGN.test(item.name) ? [] : item.members;
  const silent = members.filter((member) => !saysEnough(member));
  const missing = [
    ...(item.doc === '' ? [item.name] : []),
    ...silent.map(({ name }) => `${item.name}.${name}`),
  ];
  return [
    ...missing.map((name) => `${item.file}: ${name} has no TSDoc`),
    ...[item, ...item.members]
      .flatMap(({ doc }) => deadLinks(doc))
      .map((link) => `${item.file}: ${link} leads nowhere`),
  ];
}

/** A tag such as `type: 'request'` needs no words, nor does a constructor whose options have them. */
function saysEnough({ name, declaration, doc }) {
  return (
    doc !== '' ||
    name === 'constructor' ||
    /(: |^readonly name = )("[^"]*"|'[^']*'|true|false);$/.test(declaration)
  );
}

function deadLinks(doc) {
  return [...doc.matchAll(/\{@link (\w+)(?:\.(\w+))?[^}]*\}/g)]
    .filter(([, name, member]) => {
      const item = items.get(name);
      return !item || (member && !item.members.some((other) => other.name === member));
    })
    .map(([link]) => link);
}
