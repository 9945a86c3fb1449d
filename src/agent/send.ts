import type { SecurityMode, ShareCount } from '../security/security-mode.js';
import type { Envelope, Version } from '../types/protocol.js';
import { type AgentContext, report } from './context.js';
import { deliver } from './deliver.js';
import { createEnvelope, type PreparedMessage, prepareMessage, sealMessage } from './envelope.js';
import type { EnvelopeOptions } from './envelope-options.js';
import { checkSendOptions, type SecurityOptions, securityModeOf } from './security.js';
import { type SharesSent, sendShares } from './send-shares.js';

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
}

/** Seals a message, as one envelope or in shares, and hands it to the transports. */
export async function send(context: AgentContext, options: SendOptions): Promise<SendOutcome> {
  checkSendOptions(options);
  const envelopeOptions = envelopeOptionsOf(options);
  const prepared = await prepareMessage(context, envelopeOptions);
  const security = securityModeOf(context, options, prepared);
  const sent = isSplit(security)
    ? await sendShares(context, prepared, security, options)
    : await sendWhole(context, prepared, envelopeOptions);
  await report(options.onProgress, 'complete');
  return { ...sent, envelope: sent.envelopes[0]!, security };
}

const isSplit = (mode: SecurityMode): mode is SecurityMode & { readonly shares: ShareCount } =>
  mode.shares !== undefined;

/** One envelope, over the first transport. */
async function sendWhole(
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
