import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Where sign.mjs, in another terminal, finds the demo that is running: a note that lasts as long as the demo.
// It lies in the data folder if one was given, and else where tools of this repository keep such things.
const { DATA_DIR } = process.env;
const NOTE = DATA_DIR
  ? join(DATA_DIR, 'demo.json')
  : fileURLToPath(new URL('../../../node_modules/.cache/xlink-demo.json', import.meta.url));

/** @typedef {{ url: string, serviceDid: string, folder: string }} RunningDemo */

/** @param {RunningDemo} demo */
export function announce(demo) {
  mkdirSync(dirname(NOTE), { recursive: true });
  writeFileSync(NOTE, JSON.stringify(demo), { mode: 0o600 });
}

/** Takes the note away, unless another demo has replaced it. @param {string} folder */
export function withdraw(folder) {
  if (runningDemo()?.folder === folder) rmSync(NOTE, { force: true });
}

/** @returns {RunningDemo | undefined} */
export function runningDemo() {
  try {
    return JSON.parse(readFileSync(NOTE, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The identity that sign.mjs signs with. @param {string} folder */
export const visitorFile = (folder) => join(folder, 'visitor.pkcs8');
