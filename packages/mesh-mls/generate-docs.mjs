// Writes docs/errors.md from the table of the built package: npm run build && node generate-docs.mjs
import { writeFileSync } from 'node:fs';
import { GROUP_ERROR_TABLE } from './dist/errors.js';

const rows = Object.entries(GROUP_ERROR_TABLE).map(
  ([id, { status, category, message, hint }]) =>
    `| \`${id}\` | ${status} | ${category} | ${message} | ${hint} |`,
);
const text = `# Errors

A \`GroupError\` has \`id\` (\`CODE\` or \`CODE:SUB_CODE\`), \`code\`, \`status\`, \`message\` and \`cause\`. Made from src/errors.ts by \`node generate-docs.mjs\`.

| id | status | area | what is wrong | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`;
writeFileSync(new URL('docs/errors.md', import.meta.url), text);
