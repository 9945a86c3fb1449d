import { text } from 'node:stream/consumers';
import { HttpsTransportAdapter } from '@private.me/xlink';
import { asAgent, MAX_AGE_MS } from './local/agent.js';
import { type Config, Folder } from './local/folder.js';
import { invitesOf, messageOf, openInbox, placeOf, refusalOf } from './local/inbox.js';
import { PLACE_HELP, PLACE_OPTIONS } from './local/registry.js';
import { COMMON, COMMON_HELP, durationOf, integerOf, read, show, TEXT } from './options.js';
import { quoted } from './printable.js';
import { textOf } from './read-file.js';
import { type Command, type Output, UsageError } from './run.js';

const HELP = `Usage: xlink receive [--count N] [--timeout TIME] [options]
       xlink receive --envelope TEXT [--agent DID] [options]

Without --envelope it listens at the inbox, takes acceptances of invites, and prints each
message as one line of JSON, until it is ended. Each message is taken once.

With --envelope it verifies and decrypts one, and prints what is in it.

  --count N                ends after N messages
  --timeout TIME           ends after that time, with exit code 1 if --count was not reached
  --port N, --host HOST    where to listen, if not where the inbox says; needed behind a proxy
                           with TLS
  --envelope TEXT          base64 or JSON; @FILE: from a file, "-": from stdin
  --agent DID              who receives it (default: the identity of the folder)
${PLACE_HELP}
${COMMON_HELP}`;

const OPTIONS = {
  ...COMMON,
  ...PLACE_OPTIONS,
  count: TEXT,
  timeout: TEXT,
  port: TEXT,
  host: TEXT,
  envelope: TEXT,
  agent: TEXT,
} as const;

type Values = ReturnType<typeof read<typeof OPTIONS>>['values'];

/** `xlink receive`. */
export const receiveCommand: Command = {
  summary: 'take messages, and acceptances of invites; or open one envelope',
  help: HELP,
  async run(args, output) {
    const { values } = read(args, OPTIONS);
    const folder = new Folder(values);
    if (values.envelope !== undefined) return openOne(folder, values, values.envelope, output);
    if (values.agent !== undefined) throw new UsageError('--agent needs --envelope');
    return listen(folder, await folder.config(), values, output);
  },
};

async function openOne(folder: Folder, values: Values, given: string, output: Output): Promise<number> {
  const envelope = await envelopeIn(given);
  const wanted = { ...values, did: values.agent, receives: true };
  return asAgent(folder, wanted, {}, async (agent) => {
    const received = await agent.receive(envelope, { maxAgeMs: MAX_AGE_MS, allowCleartext: true });
    if (!received.ok) throw received.error;
    show(output, values, messageOf(received.value));
    return 0;
  });
}

async function envelopeIn(given: string): Promise<string> {
  const found =
    given === '-'
      ? await text(process.stdin)
      : given.startsWith('@')
        ? await textOf('envelope', given.slice(1))
        : given;
  const trimmed = found.trim();
  return trimmed.startsWith('{') ? trimmed : Buffer.from(trimmed, 'base64').toString();
}

async function listen(folder: Folder, config: Config, values: Values, output: Output): Promise<number> {
  const count = values.count === undefined ? Infinity : integerOf('count', values.count, 1, 1e9);
  const place = placeOf(config.url);
  if (config.url.startsWith('https:') && values.port === undefined)
    throw new UsageError('the inbox is behind TLS: say where the proxy hands requests on to, with --port N');
  const port = values.port === undefined ? place.port : integerOf('port', values.port, 1, 65_535);
  const transport = new HttpsTransportAdapter({ baseUrl: config.url });
  return asAgent(folder, { ...values, receives: true }, { transport }, async (agent) => {
    const invites = invitesOf(folder, agent, config);
    let taken = 0;
    const done = new Promise<number>((resolve) => {
      const end = (code: number) => () => resolve(code);
      agent.onMessage(
        (message) => {
          output.out(JSON.stringify(messageOf(message)));
          if (++taken >= count) setImmediate(end(0)); // the sender is answered first
        },
        { onRefused: (error) => output.err(refusalOf(error)) },
      );
      const { timeout } = values;
      if (timeout !== undefined)
        setTimeout(end(count === Infinity ? 0 : 1), durationOf('timeout', timeout)).unref();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end(0));
    });
    invites.onAccepted(({ did, url, invite }) => {
      output.err(
        `accepted  ${did}${invite.name ? ` (${quoted(invite.name)})` : ''} may send ${invite.scopes.join(', ') || 'nothing'}`,
      );
      if (url !== undefined) void folder.rememberPeer(did, { url }).catch(() => {});
    });
    const server = await openInbox({ config, transport, invites, port, host: values.host ?? place.host });
    output.err(`listening ${config.url} as ${config.did}`);
    try {
      return await done;
    } finally {
      server.close();
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 1000).unref();
    }
  });
}
