// Writes docs/openapi.json and docs/server-api.md out of the route table, the roles and the errors of the built package. --check: compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { SERVER_ERRORS, serverDocument, serverReference } from './dist/index.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const files = {
  'docs/openapi.json': `${JSON.stringify(serverDocument(version), null, 2)}\n`,
  'docs/server-api.md': serverReference(),
};
for (const [path, text] of Object.entries(files)) {
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${path} is out of date: npm run docs`);
    process.exitCode = 1;
  }
}
console.log(`${Object.keys(SERVER_ERRORS).length} errors, ${Object.keys(files).join(', ')}`);
