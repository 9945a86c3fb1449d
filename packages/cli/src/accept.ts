import { text } from 'node:stream/consumers';
import { type Agent, acceptInvite, type InviteTerms, readInvite } from '@private.me/xlink';
import { confirm } from './ask.js';
import { asAgent } from './local/agent.js';
import { Folder } from './local/folder.js';
import { PLACE_HELP, PLACE_OPTIONS } from './local/registry.js';
import { COMMON, COMMON_HELP, FLAG, read, show } from './options.js';
import { quoted } from './printable.js';
import { assertPublic, PRIVATE_HELP, PRIVATE_OPTION } from './private-option.js';
import { type Command, type Output, UsageError } from './run.js';

/** `xlink accept`. */
export const acceptCommand: Command = {
  summary: 'accept an invite: each side is in the registry of the other then',
  help: `Usage: xlink accept [CODE|-] [options]

CODE is XLK-…, or the link; "-" reads it from stdin; without, the variable
XLINK_INVITE_CODE is taken. What it grants is shown first. Accepting again with the
same identity is safe.

  --show                   only shows what it grants, after its signature was verified
${PRIVATE_HELP}
${PLACE_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const { values, words } = read(args, { ...COMMON, ...PLACE_OPTIONS, ...PRIVATE_OPTION, show: FLAG }, 1);
    const code = await codeOf(words[0]);
    const terms = await readInvite(code);
    if (values.show) {
      show(output, values, viewOf(terms));
      return 0;
    }
    const folder = new Folder(values);
    const config = await folder.config();
    tell(terms, output);
    assertPublic(terms.url, values);
    if (!(await confirm(values, 'Accept?'))) return 1;
    await asAgent(folder, values, {}, (agent) => accept(folder, agent, code, config.url));
    show(output, values, { status: 'accepted', ...viewOf(terms) });
    return 0;
  },
};

/** A code from the arguments, stdin or the environment. */
export async function codeOf(word: string | undefined): Promise<string> {
  const code = word === '-' ? await text(process.stdin) : (word ?? process.env['XLINK_INVITE_CODE']);
  if (!code?.trim()) throw new UsageError('an invite is required: XLK-…, its link, or "-" for stdin');
  if (code.trim().startsWith('xinv_'))
    throw new UsageError(
      'xinv_… is an invitation of an API; use it there: xlink connect URL --invitation @FILE',
    );
  return code.trim();
}

/** Accepts, and remembers where the other side is reached. */
export async function accept(folder: Folder, agent: Agent, code: string, url: string): Promise<InviteTerms> {
  const terms = await acceptInvite(agent, code, { url });
  await folder.rememberPeer(terms.from, {
    url: terms.url,
    ...(terms.name === undefined ? {} : { name: terms.name }),
  });
  return terms;
}

/** What an invite grants, for people. */
export function tell({ from, name, url, scopes, receives, expiresAt }: InviteTerms, { err }: Output): void {
  err(`invite    of ${name === undefined ? 'one without a name' : quoted(name)}, ${from}`);
  err(`          at ${url}, good until ${expiresAt.toISOString()}`);
  err(
    `          you may send: ${scopes.join(', ') || 'nothing'}; they may send you: ${receives.join(', ') || 'nothing'}`,
  );
}

export const viewOf = ({ from, name, url, scopes, receives, expiresAt }: InviteTerms) => ({
  did: from,
  name,
  endpoint: url,
  scopes,
  receive_scopes: receives,
  expires_at: expiresAt.toISOString(),
});
