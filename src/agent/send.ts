import type { SecurityMode, ShareCount } from '../security/security-mode.js';
import type { Envelope, Version } from '../types/protocol.js';
import { type AgentContext, report } from './context.js';
import { deliver } from './deliver.js';
import { createEnvelope, prepareMessage, sealMessage } from './envelope.js';
import type { EnvelopeOptions } from './envelope-options.js';
import type { PreparedMessage, SharesSent } from './open-shares.js';
import { isForCallers } from './options.js';
import { checkSendOptions, type SecurityOptions } from './security.js';

/** Options of `agent.send()`. */
export type SendOptions = Omit<EnvelopeOptions, 'content' | 'contentType'> & SecurityOptions;

/** What `send` delivered. */
export interface SendOutcome {
  /** The nonce of the envelope, or the id of the shares: `inReplyTo` of an answer. */
  readonly envelopeId: string;
  /** The first envelope; the only one unless the message was split. */
  readonly envelope: Envelope;
  /** All of them, one for each channel. */
  readonly envelopes: readonly Envelope[];
  /** Envelope version that was used. */
  readonly version: Version;
  /** How the message was protected, and why if the policy chose; `describeSecurityModeStructured` puts it into words. */
  readonly security: SecurityMode;
  /** It travelled in a session, as the transport was allowed to: `envelopes` is empty, and `envelope` throws. */
  readonly inSession?: true;
}

/** Seals a message, as one envelope or in shares, and hands it to the transports. */
export async function send(
  context: AgentContext,
  options: SendOptions,
  sendWhole: SendWhole = sendEnvelope,
): Promise<SendOutcome> {
  checkSendOptions(options);
  const envelopeOptions = envelopeOptionsOf(options);
  const prepared = await prepareMessage(context, envelopeOptions);
  const security = context.shares ? context.shares.modeOf(options, prepared) : wholeOnly(options);
  const sent = isSplit(security)
    ? await context.shares!.send(prepared, security, options)
    : await sendWhole(context, bound(context, prepared), bindingOf(context, envelopeOptions));
  await report(options.onProgress, 'complete');
  return { ...sent, envelope: sent.envelopes[0]!, security };
}

/** For an agent without shares. */
function wholeOnly(options: SecurityOptions): SecurityMode {
  const { security = 'standard', xchange, splitChannel, splitChannelConfig } = options;
  if (security !== 'standard' || xchange || splitChannel || splitChannelConfig) isForCallers('security');
  return { type: 'standard', level: 'standard' };
}

const isSplit = (mode: SecurityMode): mode is SecurityMode & { readonly shares: ShareCount } =>
  mode.shares !== undefined;

/** A transport that knows its URL has whole messages bound to it, unless the caller said otherwise. */
const bindingOf = <T extends { readonly request?: string | undefined }>(
  { transports }: AgentContext,
  options: T,
): T => {
  const request = options.request ?? transports[0]!.binding;
  return request === undefined ? options : { ...options, request };
};

const bound = (context: AgentContext, prepared: PreparedMessage): PreparedMessage => ({
  ...prepared,
  draft: bindingOf(context, prepared.draft),
});

/** Sends a message that is not split. */
type SendWhole = (
  context: AgentContext,
  prepared: PreparedMessage,
  options: EnvelopeOptions,
) => Promise<SharesSent>;

/** One envelope, over the first transport. */
export async function sendEnvelope(
  context: AgentContext,
  prepared: PreparedMessage,
  { onProgress, ...quiet }: EnvelopeOptions,
): Promise<SharesSent> {
  let envelope = await sealMessage(context, prepared, onProgress);
  await report(onProgress, 'sending');
  const again = async () => (envelope = await createEnvelope(context, { ...quiet, to: envelope.to }));
  const error = await deliver(context.transports[0]!, envelope, again);
  if (error) throw error;
  return { envelopeId: envelope.nonce, envelopes: [envelope], version: envelope.version };
}

/** The options without those that say how the message travels. */
function envelopeOptionsOf(options: SendOptions): EnvelopeOptions {
  const {
    security,
    action,
    xchange,
    unsafeXchangeOverFewerChannels,
    splitChannel,
    splitChannelConfig,
    ...rest
  } = options;
  return rest;
}
