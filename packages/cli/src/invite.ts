import type { InvitePeerOptions } from '@private.me/xlink';
import { asAgent } from './local/agent.js';
import { Folder } from './local/folder.js';
import { invitesOf } from './local/inbox.js';
import { PLACE_HELP, PLACE_OPTIONS } from './local/registry.js';
import { COMMON, COMMON_HELP, durationOf, FLAG, read, scopesOf, show, TEXT, TEXTS } from './options.js';
import { type Command, type Output, UsageError } from './run.js';

const HELP = `Usage: xlink invite [NAME] [--scope SCOPE] [--receive SCOPE] [options]
       xlink invite --list
       xlink invite --revoke NUMBER

Makes an invite: signed, good once, for a time. Who accepts it, by xlink accept, xlink init
--invite or XLINK_INVITE_CODE, is in your registry then, and you are in theirs. For that
something must listen at the inbox: xlink receive, or your program (class Invites).
Whoever has the code first may accept: hand it over in private.

  NAME                     whom it is for: the name in your registry
  --scope SCOPE            what they may send; several times, or with commas (default:
                           default)
  --receive SCOPE          what you may send them (default: none)
  --expires TIME           30m, 12h, 7d (default 7d, at most 366d)
  --email ADDRESS          noted beside the invite; nothing is sent
  --qr                     shows the link as a QR code, too, and prints it as an image (a data: URL)
  --by TEXT, --why TEXT    noted beside the invite
  --list                   all invites, the newest first
  --revoke NUMBER          takes one back that nobody has used
${PLACE_HELP}
${COMMON_HELP}`;

const OPTIONS = {
  ...COMMON,
  ...PLACE_OPTIONS,
  scope: TEXTS,
  receive: TEXTS,
  expires: TEXT,
  email: TEXT,
  qr: FLAG,
  by: TEXT,
  why: TEXT,
  list: FLAG,
  revoke: TEXT,
} as const;

type Values = ReturnType<typeof read<typeof OPTIONS>>['values'];

/** `xlink invite`. */
export const inviteCommand: Command = {
  summary: 'make, list and revoke invites',
  help: HELP,
  async run(args, output) {
    const { values, words } = read(args, OPTIONS, 1);
    const folder = new Folder(values);
    const config = await folder.config();
    return asAgent(folder, {}, {}, async (agent) => {
      const invites = invitesOf(folder, agent, config);
      if (values.list) show(output, values, await invites.list());
      else if (values.revoke !== undefined) show(output, values, await invites.revoke(values.revoke));
      else await make(invites.create(wanted(values, words[0])), values, output);
      return 0;
    });
  },
};

function wanted(values: Values, name: string | undefined): InvitePeerOptions {
  const { email, by, why, expires } = values;
  const end = expires === undefined ? undefined : new Date(Date.now() + durationOf('expires', expires));
  const given = { name, email, by, why, expires: end };
  if (email !== undefined && !/^\S+@\S+$/.test(email)) throw new UsageError('--email is no address');
  return {
    scopes: scopesOf(values.scope) ?? ['default'],
    receives: scopesOf(values.receive) ?? [],
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

async function make(
  making: ReturnType<ReturnType<typeof invitesOf>['create']>,
  values: Values,
  output: Output,
): Promise<void> {
  const { code, link, number, expiresAt, email } = await making;
  const { qrDataUrl, qrText } = await import('./qr.js');
  show(output, values, {
    status: 'created',
    invite_url: link,
    ...(values.qr || values.json ? { qr_code: qrDataUrl(link) } : {}),
    expires_at: expiresAt,
    message: `Share this link: ${link}`,
    code,
    number,
  });
  const { err } = output;
  if (values.qr) err(qrText(link));
  if (email !== undefined) {
    err(`To ${email} (nothing was sent):`);
    err(
      `  You are invited to connect by xLink. In the folder of your service, run\n    npx @private.me/xlink init --invite ${code}\n  It can be used once, until ${expiresAt}.`,
    );
  }
  if (/^http:/.test(link))
    err('note      only this machine reaches the inbox; for others: xlink init --url https://…');
  err(
    `next      xlink receive, which takes the acceptance; to take it back: xlink invite --revoke ${number}`,
  );
}
