// Writes docs/errors.md from the built table: `npm run build && node generate-docs.mjs`.
import { writeFileSync } from 'node:fs';
import { XFUSE_ERROR_TABLE } from './dist/errors.js';

const rows = Object.entries(XFUSE_ERROR_TABLE).map(
  ([id, { status, category, message, hint }]) =>
    `| \`${id}\` | ${status} | ${category} | ${message} | ${hint} |`,
);
const head = ['# Errors of Xfuse', '', 'Made by `node generate-docs.mjs` of `src/errors.ts`.', ''];
const table = ['| id | status | about | what is wrong | what to do |', '|---|---|---|---|---|', ...rows, ''];
writeFileSync(new URL('docs/errors.md', import.meta.url), [...head, ...table].join('\n'));
