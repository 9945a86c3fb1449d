import { documentOf } from './document.js';
import { SERVER_ERRORS } from './errors.js';
import { PERMISSIONS, ROLES } from './roles.js';
import type { Route } from './route.js';
import { ROUTES } from './routes/index.js';

/** The OpenAPI 3.1 document of a server without wings, as it is in the documentation. */
export const serverDocument = (version: string): object =>
  documentOf(ROUTES, { version, url: 'http://localhost:3300' });

/** The page of the documentation that follows from the tables: routes, roles, errors. */
export function serverReference(): string {
  const tags = [...new Set(ROUTES.map(({ tag }) => tag))];
  return [
    '# The routes of xlink serve',
    '',
    'Made from the tables of the server by `npm run docs`; [openapi.json](openapi.json) has the same with all schemas. How to run and use it is in docs/server.md of `@private.me/xlink`.',
    '',
    'Who: `public` is anyone; `member` any token, and any active DID of the registry by envelope or signature; the rest are permissions.',
    '',
    ...tags.flatMap(routesOf),
    '## Roles',
    '',
    `| permission | ${ROLES.join(' | ')} |`,
    `|---|${ROLES.map(() => '---').join('|')}|`,
    ...Object.entries(PERMISSIONS).map(
      ([name, row]) => `| \`${name}\` | ${ROLES.map((role) => (row[role] ? 'yes' : '')).join(' | ')} |`,
    ),
    '',
    '## Errors',
    '',
    'Answers that refuse are problem documents (RFC 9457) with `code` and, behind a colon here, `subCode`. Other codes are those of docs/errors.md of `@private.me/xlink`.',
    '',
    '| code | status | what is wrong | what to do |',
    '|---|---|---|---|',
    ...Object.entries(SERVER_ERRORS).map(
      ([id, { status, message, hint }]) => `| \`${id}\` | ${status} | ${message} | ${hint} |`,
    ),
    '',
  ].join('\n');
}

const routesOf = (tag: string): readonly string[] => [
  `## ${tag}`,
  '',
  '| route | who | what it does | errors |',
  '|---|---|---|---|',
  ...ROUTES.filter((route) => route.tag === tag).map(rowOf),
  '',
];

const rowOf = ({ method, path, access, summary, errors = [] }: Route): string =>
  `| \`${method} ${path}\` | ${access === 'public' || access === 'member' ? access : `\`${access}\``} | ${summary} | ${errors.map((id) => `\`${id}\``).join(', ')} |`;
