import { concat } from '../crypto/bytes.js';
import { draftGroupTranscript, sealEnvelope, signXchangeEnvelope } from '../envelope/seal.js';
import { CONTENT_KEY_BYTES, sealXchange } from '../envelope/xchange.js';
import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { SecurityMode, ShareCount } from '../security/security-mode.js';
import { encodeBundle } from '../split-channel/bundle.js';
import type { ChannelShare } from '../split-channel/share.js';
import { splitForChannel } from '../split-channel/split.js';
import type { OnProgress, Transport } from '../types/ports.js';
import type { Envelope } from '../types/protocol.js';
import { decodeBase64url } from '../util/base64url.js';
import { type AgentContext, report } from './context.js';
import { deliver } from './deliver.js';
import type { PreparedMessage, SharesSent } from './open-shares.js';

/** The shares, and how to make an envelope of some of them. Every call makes another one. */
interface Split {
  readonly shares: readonly ChannelShare[];
  seal(shares: readonly ChannelShare[], onSigning?: () => unknown): Promise<Envelope>;
}

interface Channel {
  readonly transport: Transport;
  readonly shares: ChannelShare[];
}

/**
 * Share `i` goes to transport `i mod m`; those of one transport travel in one envelope. A share is on its way while the
 * next one is sealed. Throws `SEND_FAILED:BELOW_THRESHOLD` if too few were delivered.
 */
export async function sendShares(
  context: AgentContext,
  prepared: PreparedMessage,
  mode: SecurityMode & { readonly shares: ShareCount },
  options: { readonly onProgress?: OnProgress; readonly unsafeXchangeOverFewerChannels?: boolean },
): Promise<SharesSent> {
  const { total } = mode.shares;
  const isXchange = mode.type === 'xchange';
  checkChannels(context, mode, options.unsafeXchangeOverFewerChannels ?? false);
  if (!isXchange && prepared.draft.version < 3)
    context.warn({ type: 'shares-below-version-3', version: prepared.draft.version });

  await report(options.onProgress, 'splitting', { total });
  const split = await (isXchange ? splitKey : splitPayload)(context, prepared, mode.shares);
  const channels = channelsOf(context.transports, split.shares);
  const envelopes: Envelope[] = [];
  const deliveries: Promise<XlinkError | undefined>[] = [];
  let current = 0;
  for (const [at, { transport, shares }] of channels.entries()) {
    current += shares.length;
    const counts = { current, total };
    await report(options.onProgress, 'encrypting', counts);
    envelopes[at] = await split.seal(shares, () => report(options.onProgress, 'signing', counts));
    await report(options.onProgress, 'sending', counts);
    deliveries.push(
      deliver(transport, envelopes[at], async () => (envelopes[at] = await split.seal(shares))),
    );
  }
  reportLosses(context, channels, await Promise.all(deliveries), mode.shares);
  return { envelopeId: split.shares[0]!.groupId, envelopes, version: envelopes[0]!.version };
}

function checkChannels(
  { transports, warn }: AgentContext,
  { type, shares: { total } }: SecurityMode & { readonly shares: ShareCount },
  isUnsafeMeant: boolean,
): void {
  const channels = Math.min(new Set(transports).size, total);
  if (channels === total) return;
  if (type === 'xchange' && !isUnsafeMeant)
    throw xlinkError('XCHANGE_REFUSED:FEWER_CHANNELS', { field: 'transport' });
  warn({ type: 'fewer-channels-than-shares', channels, shares: total });
}

/** A transport that is listed twice is one channel all the same. */
function channelsOf(transports: readonly Transport[], shares: readonly ChannelShare[]): Channel[] {
  const channels = new Map<Transport, Channel>();
  for (const share of shares) {
    const transport = transports[share.index % transports.length]!;
    const channel = channels.get(transport) ?? { transport, shares: [] };
    channels.set(transport, channel);
    channel.shares.push(share);
  }
  return [...channels.values()];
}

/** Shares of the payload, each bundle sealed for the recipient. */
async function splitPayload(
  context: AgentContext,
  { recipient, draft, content }: PreparedMessage,
  { total, threshold }: ShareCount,
): Promise<Split> {
  const { identity, random } = context;
  const keys = await recipient.peers.recipientKeys(recipient.peer, context.clock());
  const { crypto } = identity;
  return {
    shares: await splitForChannel(content!.bytes, { totalShares: total, threshold, crypto }),
    seal: (shares, onSigning) =>
      sealEnvelope(
        identity,
        keys,
        { ...draft, nonce: random(16) },
        { bytes: encodeBundle(shares), contentType: content!.contentType },
        onSigning,
        'shares',
      ),
  };
}

/** Shares of the key of the payload, each bundle in front of the same ciphertext. */
async function splitKey(
  { identity, random }: AgentContext,
  { draft, content }: PreparedMessage,
  { total, threshold }: ShareCount,
): Promise<Split> {
  const { crypto, did } = identity;
  const key = crypto.randomBytes(CONTENT_KEY_BYTES);
  const shares = await splitForChannel(key, { totalShares: total, threshold, crypto });
  const transcript = draftGroupTranscript(identity, draft, decodeBase64url(shares[0]!.groupId)!);
  const group = { from: did, to: draft.to, transcript };
  const ciphertext = await sealXchange(crypto, key, group, content!);
  return {
    shares,
    async seal(some, onSigning) {
      await onSigning?.();
      const bundle = concat([encodeBundle(some), ciphertext]);
      return signXchangeEnvelope(identity, { ...draft, nonce: random(16) }, bundle);
    },
  };
}

function reportLosses(
  { warn }: AgentContext,
  channels: readonly Channel[],
  outcomes: readonly (XlinkError | undefined)[],
  { total, threshold }: ShareCount,
): void {
  const errors = outcomes.filter((error) => error !== undefined);
  if (errors.length === 0) return;
  const lost = channels.reduce((sum, { shares }, at) => sum + (outcomes[at] ? shares.length : 0), 0);
  const delivered = total - lost;
  if (delivered < threshold)
    throw xlinkError('SEND_FAILED:BELOW_THRESHOLD', { cause: new AggregateError(errors) });
  warn({ type: 'shares-not-delivered', delivered, shares: total, errors });
}
