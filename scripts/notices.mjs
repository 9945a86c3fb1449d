// The text of THIRD-PARTY-NOTICES: which packages are bundled into which of our files, each with its license.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './wings.mjs';

const LICENSES = ['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC'];

/** @param {Record<string, string[]>} places what contains code -> names of the packages it is of */
export function noticesOf(places) {
  const lists = Object.entries(places).map(
    ([place, names]) => `${place} contains code of ${names.join(', ')}.`,
  );
  const names = [...new Set(Object.values(places).flat())].sort();
  return `${[lists.join('\n'), ...names.map(noticeOf)].join(`\n\n${'-'.repeat(80)}\n`)}\n`;
}

function noticeOf(name) {
  const folder = join(root, 'node_modules', name);
  const { version, license, homepage } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (!LICENSES.includes(license))
    throw new Error(`${name} has the license ${license}, which is not allowed here`);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  if (!file) throw new Error(`${name} has no license file to quote`);
  const text = readFileSync(join(folder, file), 'utf8').trim();
  return [`${name} ${version}`, homepage, '', text].filter((line) => line !== undefined).join('\n');
}
