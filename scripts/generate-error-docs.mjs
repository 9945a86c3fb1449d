// Writes docs/errors.md from src/errors/table.ts. With --check it only says whether the page is up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSources } from './load-sources.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/errors.md');

const { ERROR_TABLE, xlinkError, hintForOperators } = await loadSources(
  './src/errors/table.ts',
  './src/errors/operator-hints.ts',
  './src/errors/service-errors.ts',
);
const text = render(ERROR_TABLE, (id) => xlinkError(id).name);

if (!process.argv.includes('--check')) {
  writeFileSync(page, text);
  console.log(`${Object.keys(ERROR_TABLE).length} errors written to docs/errors.md`);
} else if (existsSync(page) && readFileSync(page, 'utf8') === text) {
  console.log('docs/errors.md is up to date');
} else {
  console.error('docs/errors.md differs from src/errors/table.ts: run node scripts/generate-error-docs.mjs');
  process.exitCode = 1;
}

function render(table, classOf) {
  const byCategory = {};
  for (const entry of Object.entries(table)) (byCategory[entry[1].category] ??= []).push(entry);
  const sections = Object.entries(byCategory).map(([category, rows]) =>
    [
      `## ${category}`,
      '',
      `Class \`${classOf(rows[0][0])}\`.`,
      '',
      '| id | status | class | what is wrong | what to do |',
      '|---|---|---|---|---|',
      ...rows.map(([id, row]) => line(id, row, classOf(id))),
    ].join('\n'),
  );
  return `${[introduction(table), ...sections].join('\n\n')}\n`;
}

function line(id, { status, message, hint, aliases = [], reserved }, className) {
  const also =
    aliases.length > 0 ? ` Also known as ${aliases.map((alias) => `\`${alias}\``).join(', ')}.` : '';
  const note = reserved ? ' *Reserved: nothing raises it yet.*' : '';
  const operator = hintForOperators(id);
  const forOperators = operator === undefined ? '' : ` **Operators:** ${operator}`;
  const whatToDo = `${hint}${forOperators}${also}${note}`;
  const cells = [`<a id="${id}"></a>\`${id}\``, status, `\`${className}\``, message, whatToDo];
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

function introduction(table) {
  return `# Errors

Generated from \`src/errors/table.ts\` by \`node scripts/generate-error-docs.mjs\`; do not edit by hand.

All ${Object.keys(table).length} errors of the package. An id is \`CODE\` or \`CODE:SUB_CODE\`; \`error.id\`, \`error.code\` and \`error.subCode\`
have its parts, and an id that was published keeps its meaning. Compare \`code\` or \`id\`: an error is an object, so it never
equals a text. The status is what a server answers with when the error refuses a request. \`toXlinkError()\` turns anything
that was thrown, or an id as text, into one of these.

\`error.message\` is what is wrong and what to do, the two texts of the table in one; \`error.title\` and \`error.hint\` have them apart.
For one option the hint is about that option and is the whole message: \`DualModeAdapter: there is no option mod; did you mean
mode?\` \`error.field\` names the envelope member, header or option at fault, never its value, and \`error.cause\` has the error
underneath. \`formatErrorStructured(error).formats\` has all of it for a log line, a terminal, an API or a page.

Titles and hints are for whoever meets the error. What only the operator of a service can do stands after **Operators** and is never sent to
callers: \`operatorHint(id)\` has it, log lines about faults have it as \`err.hint\`, and the dashboard shows it.

A problem document (RFC 9457) of an adapter has the title. The hint is in its \`detail\` only with \`exposeDetails\`, as it helps
a caller who probes, too. Its \`type\` is the address of a row below, \`error.docUrl\` that of a section.`;
}
