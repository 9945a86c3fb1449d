import { createRequire } from 'node:module';
import { HttpsTransportAdapter, type InviteTerms, readInvite } from '@private.me/xlink';
import { accept, codeOf, tell } from '../accept.js';
import { ask, confirm } from '../ask.js';
import { exitCodeOf } from '../failures.js';
import { type InitValues, makeIdentity, nameOf } from '../init.js';
import { asAgent } from '../local/agent.js';
import { type Config, Folder } from '../local/folder.js';
import { freePort } from '../local/free-port.js';
import { show } from '../options.js';
import { assertPublic } from '../private-option.js';
import { type Output, UsageError } from '../run.js';
import { appended, type Change, created, diffOf, write } from './changes.js';
import { type Connection, nodeClient } from './node-client.js';
import { otherClient, RUN } from './other-clients.js';
import {
  FRAMEWORKS,
  frameworkNamed,
  languageHere,
  type Manifest,
  type Project,
  portHere,
  projectHere,
} from './project.js';

/** What is going to be done to the project. */
interface Plan {
  readonly changes: readonly Change[];
  /** The file that connects it. */
  readonly client: string;
  /** How that is used. */
  readonly use: string;
  /** What to run next. */
  readonly next: string;
}

/** `xlink init --invite`: from an invite to a project that is connected. */
export async function onboard(given: InitValues, output: Output): Promise<number> {
  const lang = given.lang ?? (await languageHere());
  const values = lang === undefined ? given : { ...given, lang };
  const code = await codeOf(values.invite);
  const terms = await readInvite(code); // before anything is asked or made
  assertPlain(terms);
  assertPublic(terms.url, values);
  const project = await chosen(values);
  const folder = new Folder(values);
  const before = await folder.configIfAny();
  const name = before?.name ?? (await nameOf(values, 'Project name'));
  const url = before?.url ?? values.url ?? `http://127.0.0.1:${await portOf(values, project)}/xlink`;
  const plan = await planOf(values, project, folder, connectionOf(terms, name, url));
  tell(terms, output);
  output.err(`inbox     ${url}: your program must be reached there; --url says where else`);
  for (const change of plan.changes) for (const line of diffOf(change)) output.err(line);
  if (values['dry-run']) {
    show(output, values, { status: 'planned', changes: plan.changes.map(({ path }) => path) });
    return 0;
  }
  if (!(await confirm(values, 'Accept the invite, and write this?'))) return 1;
  const config = before ?? (await makeIdentity(folder, { ...values, url }, name));
  const say = values.json ? output.err : output.out;
  say(`✓ Generated identity: ${config.did}`);
  await asAgent(folder, {}, {}, (agent) => accept(folder, agent, code, config.url));
  say('✓ Configured trust registry');
  await write(plan.changes);
  await warnOfTracked(output);
  say(`✓ Created ${plan.client}`);
  say('✓ Created .env with connection details');
  const sent = await sendTest(folder, config, terms);
  if (sent === undefined) say('✓ Test message sent successfully');
  else output.err(sent.text);
  const isSigned = lang === undefined || lang === 'typescript' || (await takesSigned(terms.url));
  say(isSigned ? `Ready to integrate. Run: ${plan.next}` : `Run: ${plan.next}`);
  if (!isSigned)
    output.err(
      `note      ${new URL(terms.url).origin} has no API that takes signed requests now: the partner needs a DualModeAdapter with signatures: true there; XLINK_PARTNER_ORIGIN in .env says where else`,
    );
  output.err(`use       ${plan.use}`);
  if (values.json)
    show(output, values, {
      status: 'connected',
      did: config.did,
      name,
      partner: terms.from,
      client: plan.client,
    });
  return sent?.code ?? 0;
}

/** Where the program of the project will listen. A plain server is told by what is written into .env. */
async function portOf({ lang = 'typescript' }: InitValues, { framework }: Project): Promise<number> {
  const isFramework = lang === 'typescript' && framework !== 'node';
  return (await portHere()) ?? (isFramework ? 3000 : await freePort());
}

/** Whether the API of the partner says of itself that it is one. */
async function takesSigned(url: string): Promise<boolean> {
  try {
    const answer = await fetch(new URL('/.well-known/xlink.json', url), {
      redirect: 'manual',
      signal: AbortSignal.timeout(5000),
    });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

/** What comes from a stranger and goes into code and .env has no character that means something there. */
function assertPlain({ url, scopes }: InviteTerms): void {
  const isPlain =
    /^https?:\/\/[\w.:[\]-]+(\/[\w.~%-]*)*$/.test(url) && scopes.every((scope) => /^[\w.:*/-]+$/.test(scope));
  if (!isPlain)
    throw new UsageError(
      'the address or a scope of this invite has characters that code cannot have; use xlink accept',
    );
}

async function chosen(values: InitValues): Promise<Project> {
  const project = await projectHere();
  if (values.lang !== undefined && values.lang !== 'typescript') return project;
  if (values.framework !== undefined) return { ...project, framework: frameworkNamed(values.framework) };
  const answer = await ask(values, 'Select your framework', FRAMEWORKS[project.framework].label);
  return { ...project, framework: frameworkNamed(answer) };
}

const connectionOf = ({ from, url, scopes }: InviteTerms, name: string, inboxUrl: string): Connection => ({
  name,
  partner: from,
  partnerUrl: url,
  inboxUrl,
  scopes,
});

async function planOf(
  values: InitValues,
  project: Project,
  folder: Folder,
  connection: Connection,
): Promise<Plan> {
  const { lang = 'typescript' } = values;
  const origin =
    lang === 'typescript' ? [] : [`XLINK_PARTNER_ORIGIN=${new URL(connection.partnerUrl).origin}`];
  const env = appended('.env', [...environmentOf(folder, connection), ...origin], 0o600);
  const ignored = appended('.gitignore', [`${folder.path}/`, '.env']);
  if (lang !== 'typescript') {
    const files = await otherClient(lang, connection);
    const changes = [...(await Promise.all(files.map(created))), await env, await ignored];
    const client = files.find(({ path }) => /client|main/.test(path))!.path;
    return { changes: changes.filter((one) => one !== undefined), client, use: RUN[lang]!, next: RUN[lang]! };
  }
  const { path, text, use } = nodeClient(project, connection);
  const changes = [
    await created({ path, text }),
    await env,
    await ignored,
    manifestChange(project, connection),
  ];
  const next =
    project.manifest?.scripts?.['start'] === undefined ? 'npm install' : 'npm install && npm start';
  return { changes: changes.filter((one) => one !== undefined), client: path, use, next };
}

const environmentOf = (folder: Folder, { partner, partnerUrl, inboxUrl }: Connection): readonly string[] => [
  `XLINK_DIR=${folder.path}`,
  `XLINK_PARTNER_DID=${partner}`,
  `XLINK_PARTNER_URL=${partnerUrl}`,
  `XLINK_INBOX_URL=${inboxUrl}`,
];

/** The package, and for TypeScript the types of Node, where they are missing. */
function manifestChange(
  { manifest, manifestText, isTypeScript }: Project,
  { name }: Connection,
): Change | undefined {
  const { version } = createRequire(import.meta.url)('@private.me/xlink/package.json');
  const all = { ...manifest?.devDependencies, ...manifest?.dependencies };
  const start: Manifest = manifest ?? {
    name: name.toLowerCase().replace(/[^a-z0-9-]+/g, '-'),
    type: 'module',
  };
  const isNew = !('@private.me/xlink' in all);
  const lacksTypes = isTypeScript && !('@types/node' in all);
  if (manifest && !isNew && !lacksTypes) return undefined;
  const after = {
    ...start,
    ...(manifest ? {} : { private: true }),
    ...(isNew ? { dependencies: { ...start.dependencies, '@private.me/xlink': `^${version}` } } : {}),
    ...(lacksTypes ? { devDependencies: { ...start.devDependencies, '@types/node': '>=20.12' } } : {}),
  };
  const indent = /^[\t ]+/m.exec(manifestText ?? '')?.[0] ?? '  ';
  return { path: 'package.json', before: manifestText, after: `${JSON.stringify(after, null, indent)}\n` };
}

/** `undefined`: the partner has it. What is wrong is told, and takes nothing back. */
async function sendTest(folder: Folder, config: Config, { from, url, scopes }: InviteTerms) {
  const [scope] = scopes;
  if (scope === undefined)
    return { code: 0, text: 'test      not sent: the invite grants no scope to send with' };
  const transport = new HttpsTransportAdapter({ baseUrl: url });
  return asAgent(folder, {}, { transport }, async (agent) => {
    const payload = { test: 'xlink init', from: config.name };
    const sent = await agent.send({ to: from, payload, scope: scope === '*' ? 'default' : scope });
    if (sent.ok) return undefined;
    if (await takesNone(url))
      return {
        code: 0,
        text: `test      not sent: ${from} invites, and takes no messages at ${url}, as an identity server does not. You are in its registry.`,
      };
    const text = `test      not delivered: ${sent.error.id}: ${sent.error.message} What was written stays; try xlink send --to ${from} --payload '{}'.`;
    return { code: exitCodeOf(sent.error), text };
  });
}

/** Whether there is an identity server, which is in the registry and has no inbox. */
async function takesNone(url: string): Promise<boolean> {
  try {
    const answer = await fetch(new URL('/v1/capabilities', url), {
      redirect: 'manual',
      signal: AbortSignal.timeout(5000),
    });
    const { permissions } = (await answer.json()) as { readonly permissions?: unknown };
    return new URL(url).pathname === '/' && Array.isArray(permissions);
  } catch {
    return false;
  }
}

/** What git has already, .gitignore keeps from no commit. */
async function warnOfTracked({ err }: Output): Promise<void> {
  const { execFile } = await import('node:child_process');
  const isTracked = await new Promise<boolean>((resolve) => {
    execFile('git', ['ls-files', '--error-unmatch', '.env'], (error) => resolve(!error));
  });
  if (isTracked)
    err(
      'note      git has .env already: git rm --cached .env, and commit that, before anything secret is in it',
    );
}
