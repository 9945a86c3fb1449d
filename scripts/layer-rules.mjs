// Holds the sources against the layer plan. Pure: sources in, violations out, so that each rule can be tested.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { importsOf } from './imports-of.mjs';
import {
  bundledPackageFolder,
  bundledPackages,
  innerLayers,
  layers,
  mayUseNode,
  optionalPackageFolders,
  optionalPackages,
  roomsOfOneFront,
  siblingsMayMeet,
} from './layers.mjs';

const builtins = new Set(builtinModules);

/**
 * @param {Record<string, string>} sources path below src/ -> text
 * @param {object} manifest package.json
 * @returns {{ file: string, line: number, rule: string, message: string }[]}
 */
export function findViolations(sources, manifest) {
  const violations = [];
  const graph = new Map();
  for (const [file, text] of Object.entries(sources)) {
    const report = (line, rule, message) => violations.push({ file, line, rule, message });
    const edges = [];
    graph.set(file, edges);
    if (!placeOf(file)) report(1, 'unplanned', `${topOf(file)} is not in scripts/layers.mjs`);

    for (const { specifier, line } of importsOf(text)) {
      const reportHere = (rule, message) => report(line, rule, message);
      if (specifier.startsWith('.') || specifier.startsWith('#')) {
        for (const target of resolve(specifier, file, sources, manifest, reportHere)) {
          edges.push({ target, line });
          checkDirection(file, target, reportHere);
        }
      } else {
        checkPackage(file, specifier, manifest, reportHere);
      }
    }
  }
  for (const { file, line, path } of findCycles(graph)) {
    violations.push({ file, line, rule: 'cycle', message: `import cycle ${path.join(' -> ')}` });
  }
  return violations;
}

function topOf(file) {
  const slash = file.indexOf('/');
  return slash === -1 ? file : file.slice(0, slash + 1);
}

/** Where a file stands in the plan. */
function placeOf(file) {
  const top = topOf(file);
  const layer = layers.findIndex((names) => names.includes(top));
  return layer === -1 ? undefined : { top, layer };
}

/** The source files that an import may stand for; more than one where the platform decides. */
function resolve(specifier, file, sources, manifest, report) {
  const candidates = specifier.startsWith('#')
    ? filesOfImportCondition(manifest.imports?.[specifier])
    : [posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts')];
  if (candidates.length === 0) report('unresolved', `${specifier} is not in "imports" of package.json`);
  return candidates.filter((candidate) => {
    if (candidate in sources) return true;
    report('unresolved', `${specifier} is not a source file`);
    return false;
  });
}

function filesOfImportCondition(conditions = {}) {
  const files = Object.values(conditions).map((path) =>
    path.replace(/^\.\/dist\/(esm|node)\//, '').replace(/(\.d\.ts|\.js)$/, '.ts'),
  );
  return [...new Set(files)];
}

function checkDirection(file, target, report) {
  const from = placeOf(file);
  const to = placeOf(target);
  if (!from || !to) return;
  if (from.top === to.top) return checkInnerDirection(file, target, from.top, report);
  const front = roomsOfOneFront[to.top] ?? from.top;
  if (front !== from.top) report('of-one-front', `only ${front} may import ${to.top}`);
  if (to.layer > from.layer) report('upward', `${from.top} may not import ${to.top}, which is above it`);
  if (to.layer === from.layer && !siblingsMayMeet(from.layer)) {
    report('sibling', `${from.top} may not import ${to.top}, which is in the same layer`);
  }
}

/** The rooms inside one folder: down is allowed, sideways and up are not. */
function checkInnerDirection(file, target, top, report) {
  const plan = innerLayers[top];
  if (!plan) return;
  const [from, to] = [file, target].map((path) => innerPlaceOf(path.slice(top.length), plan));
  if (!from || !to) return report('unplanned', `${top} has a folder that is not in scripts/layers.mjs`);
  if (from.room === to.room) return;
  if (to.layer > from.layer) {
    report('upward', `${top}${from.room} may not import ${top}${to.room}, which is above it`);
  }
}

function innerPlaceOf(path, plan) {
  const room = topOf(path).endsWith('/') ? topOf(path) : '';
  const layer = plan.findIndex((rooms) => rooms.includes(room));
  return layer === -1 ? undefined : { room, layer };
}

function checkPackage(file, specifier, manifest, report) {
  if (specifier.startsWith('node:') || builtins.has(specifier)) {
    if (!mayUseNode(file))
      report(
        'node',
        `${specifier} may only be imported by the folders that mayUseNode of scripts/layers.mjs names`,
      );
    return;
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (bundledPackages.includes(name) && file.startsWith(bundledPackageFolder)) return;
  if (optionalPackages.includes(name) && !optionalPackageFolders.includes(topOf(file))) {
    report('optional-package', `${name} may only be imported in ${optionalPackageFolders.join(', ')}`);
  }
  if (!(name in (manifest.dependencies ?? {})) && !(name in (manifest.peerDependencies ?? {}))) {
    report('undeclared', `${name} is neither a dependency nor an optional peer`);
  }
}

/** Depth-first search; each cycle is reported at the import that closes it. */
function findCycles(graph) {
  const cycles = [];
  const done = new Set();
  const path = [];
  const visit = (file) => {
    path.push(file);
    for (const { target, line } of graph.get(file)) {
      const start = path.indexOf(target);
      if (start !== -1) cycles.push({ file, line, path: [...path.slice(start), target] });
      else if (!done.has(target)) visit(target);
    }
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) if (!done.has(file)) visit(file);
  return cycles;
}
