import { xlinkError } from '../errors/errors.js';
import type { SendStage, SessionWay } from '../types/ports.js';
import type { Envelope } from '../types/protocol.js';
import { type AgentContext, report } from './context.js';
import { createEnvelope, sealMessage } from './envelope.js';
import type { PreparedMessage, SharesSent } from './open-shares.js';
import { type SendOptions, type SendOutcome, send, sendEnvelope } from './send.js';

/** Sends messages in sessions. */
export interface MessageCarrier {
  /** `undefined`: it is to be sealed in an envelope. Throws an `XlinkError`. */
  send(way: SessionWay, message: CarriedMessage): Promise<SharesSent | undefined>;
}

/** A message, as it was prepared for the transport. */
export interface CarriedMessage {
  readonly prepared: PreparedMessage;
  /** What it is bound to. */
  readonly request: string;
  /** Seals it after all, or something else in its place. */
  readonly seal: (prepared: PreparedMessage) => Promise<Envelope>;
  /** The same message under a new nonce. */
  readonly again: () => Promise<Envelope>;
  readonly report: (stage: SendStage) => Promise<void>;
}

/** In a session, where the transport has one and nothing about the message asks for an envelope. */
export async function sendInSession(
  carrier: MessageCarrier,
  context: AgentContext,
  options: SendOptions,
): Promise<SendOutcome> {
  const { sessionWay: way, binding: request } = context.transports[0]!;
  const isPlain = options.request === undefined && options.version === undefined && !options.signedOnly;
  if (!way || request === undefined || !isPlain) return send(context, options);
  const sent = await send(context, options, async (_, prepared, envelopeOptions) => {
    const { onProgress, ...quiet } = envelopeOptions;
    const carried = await carrier.send(way, {
      prepared,
      request,
      seal: (instead) => sealMessage(context, instead, undefined),
      again: () => createEnvelope(context, quiet),
      report: (stage) => report(onProgress, stage),
    });
    return carried ?? sendEnvelope(context, prepared, envelopeOptions);
  });
  return sent.envelopes.length > 0 ? sent : withoutEnvelope(sent);
}

/** There is none to be had: whoever reads it is told so. */
const withoutEnvelope = ({ envelope: _, ...sent }: SendOutcome): SendOutcome =>
  Object.defineProperty({ ...sent, inSession: true }, 'envelope', {
    get: () => {
      throw xlinkError('INVALID_OPTION', {
        field: 'session',
        hint: 'The message travelled in a session, without an envelope. Pass session: false to send for one that is to be kept or shown.',
      });
    },
  }) as unknown as SendOutcome;
