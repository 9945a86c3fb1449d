// A wing imports its own files and what packages publish, never a file of the root or of another wing. Its tests may use
// what starts servers and cleans up for the tests of the root, as long as that knows nothing of the sources.
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { importsOf } from './imports-of.mjs';

const builtins = new Set(builtinModules);

/** Of test/support, what imports no sources. */
const FOR_ALL_TESTS = new Set(
  [
    'after-test',
    'changed',
    'kept-alive',
    'needs-program',
    'postgres-server',
    'redis-server',
    'servers-of-test',
    'small-disk',
    'temporary-folder',
    'until',
  ].map((name) => `../../test/support/${name}.js`),
);

/**
 * @param {Record<string, string>} sources path below the wing -> text
 * @param {object} manifest package.json of the wing
 * @param {readonly string[]} testPackages what the repository installs for all tests
 * @returns {{ file: string, line: number, rule: string, message: string }[]}
 */
export function findWingViolations(sources, manifest, testPackages) {
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const violations = [];
  for (const [file, text] of Object.entries(sources)) {
    const isSource = file.startsWith('src/');
    const known = new Set(isSource ? declared : [...declared, ...testPackages]);
    const home = isSource ? 'src/' : '';
    for (const { specifier, line } of importsOf(text)) {
      const report = (rule, message) => violations.push({ file, line, rule, message });
      if (specifier.startsWith('.')) {
        const target = posix.join(posix.dirname(file), specifier);
        if (!isSource && FOR_ALL_TESTS.has(target)) continue;
        if (target.startsWith('../') || !target.startsWith(home))
          report('outside', `${specifier} is not a file of ${home || 'this wing'}`);
      } else if (!specifier.startsWith('node:') && !builtins.has(specifier)) {
        const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
        if (!known.has(name)) report('undeclared', `${name} is neither a dependency nor a peer of the wing`);
      }
    }
  }
  return violations;
}
