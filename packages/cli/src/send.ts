import { text } from 'node:stream/consumers';
import { type Agent, HttpsTransportAdapter } from '@private.me/xlink';
import { Failure } from './failures.js';
import { asAgent } from './local/agent.js';
import { Folder } from './local/folder.js';
import { PLACE_HELP, PLACE_OPTIONS } from './local/registry.js';
import { COMMON, COMMON_HELP, FLAG, needed, read, show, TEXT } from './options.js';
import { assertPublic, PRIVATE_HELP, PRIVATE_OPTION } from './private-option.js';
import { textOf } from './read-file.js';
import { type Command, UsageError } from './run.js';

const HELP = `Usage: xlink send --to DID --payload JSON [options]

Seals and signs a message, and delivers it to the inbox of the recipient. The highest
version is used that both sides have.

  --to DID                 the recipient, or the name that one entry of the registry has
  --from DID               the sender (default: the identity of the folder)
  --payload JSON           what to send; @FILE: from a file, "-": from stdin
  --scope SCOPE            default: what the recipient takes, if that is one
  --url URL                where it takes messages (default: what its invite said)
${PRIVATE_HELP}
  --envelope               prints the envelope, as base64, in the place of sending it
${PLACE_HELP}
${COMMON_HELP}`;

const OPTIONS = {
  ...COMMON,
  ...PLACE_OPTIONS,
  to: TEXT,
  from: TEXT,
  payload: TEXT,
  scope: TEXT,
  url: TEXT,
  envelope: FLAG,
  ...PRIVATE_OPTION,
} as const;

/** `xlink send`. */
export const sendCommand: Command = {
  summary: 'send a sealed message',
  help: HELP,
  async run(args, output) {
    const { values } = read(args, OPTIONS);
    const to = needed(values.to, 'to');
    const payload = await payloadOf(needed(values.payload, 'payload'));
    const folder = new Folder(values);
    const did = await asAgent(folder, { ...values, did: values.from }, {}, async (agent) => {
      const found = await agent.resolve(to);
      if (!found.ok) throw found.error;
      return found.value;
    });
    const known = (await folder.peers())[did]?.url; // as the peer says itself
    if (values.url === undefined && known !== undefined) assertPublic(known, values);
    const url = values.url ?? known;
    const here = await isHere(folder, did);
    const seals = values.envelope || (url === undefined && here);
    if (!seals && url === undefined) throw new Failure('NO_ADDRESS', did);
    const transport = url === undefined ? {} : { transport: new HttpsTransportAdapter({ baseUrl: url }) };
    return asAgent(folder, { ...values, did: values.from }, transport, async (agent) => {
      const scope = values.scope ?? (await soleScope(agent, did));
      const message = { to: did, payload, ...(scope === undefined ? {} : { scope }) };
      if (seals) {
        const envelope = await agent.createEnvelope(message);
        const encoded = Buffer.from(JSON.stringify(envelope)).toString('base64');
        show(output, values, { status: 'sealed', to: did, version: envelope.version, envelope: encoded });
        return 0;
      }
      const sent = await agent.send(message);
      if (!sent.ok) throw sent.error;
      const { envelopeId, version } = sent.value;
      show(output, values, { status: 'sent', to: did, envelope_id: envelopeId, version });
      return 0;
    });
  },
};

/** Agents of the same folder have no inbox: what is for them is handed to `xlink receive`. */
async function isHere(folder: Folder, did: string): Promise<boolean> {
  return did === (await folder.configIfAny())?.did || (await folder.agents()).includes(did);
}

async function payloadOf(given: string): Promise<unknown> {
  const found =
    given === '-'
      ? await text(process.stdin)
      : given.startsWith('@')
        ? await textOf('payload', given.slice(1))
        : given;
  try {
    return JSON.parse(found);
  } catch {
    throw new UsageError('--payload is not JSON');
  }
}

async function soleScope(agent: Agent, to: string): Promise<string | undefined> {
  const { receiveScopes = [] } = (await agent.registry.lookup(to)) ?? {};
  return receiveScopes.length === 1 && receiveScopes[0] !== '*' ? receiveScopes[0] : undefined;
}
