// Writes docs/errors.md from the table. Needs a build.
import { mkdirSync, writeFileSync } from 'node:fs';
import { XLOCK_ERROR_TABLE } from './dist/errors.js';

const rows = Object.entries(XLOCK_ERROR_TABLE);
const categories = [...new Set(rows.map(([, { category }]) => category))];
const sections = categories.map((name) => {
  const own = rows.filter(([, { category }]) => category === name);
  const lines = own.map(
    ([id, { status, message, resolution }]) => `| \`${id}\` | ${status} | ${message} | ${resolution} |`,
  );
  return `## ${name}\n\n| code | status | what is wrong | what to do |\n|---|---|---|---|\n${lines.join('\n')}\n`;
});

mkdirSync('docs', { recursive: true });
writeFileSync(
  'docs/errors.md',
  `# Errors of @private.me/xlock\n\nMade by \`node generate-docs.mjs\`. What stands behind a colon is the sub-code: \`code\` of the error is what stands before it, \`id\` both.\n\n${sections.join('\n')}`,
);
