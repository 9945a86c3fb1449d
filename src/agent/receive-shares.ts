import { concat, lengthPrefixed } from '../crypto/bytes.js';
import type { ParsedEnvelope } from '../envelope/parse.js';
import type { Content } from '../envelope/plaintext.js';
import { groupTranscript } from '../envelope/transcript.js';
import { openXchange } from '../envelope/xchange.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeBundle, type ShareBundle } from '../split-channel/bundle.js';
import type { ShareCollector } from '../split-channel/collector.js';
import type { NonceUse, OnProgress } from '../types/ports.js';
import { decodeBase64url } from '../util/base64url.js';
import { type AgentContext, report } from './context.js';
import { assertNotReplayed, claimNonce } from './nonces.js';
import type { Gathered } from './open-shares.js';
import { MAX_CHANNELS } from './security.js';

/**
 * Adds the shares of a verified envelope to those that came before. With enough of them the id of the group is claimed like
 * a nonce, so that the message is delivered once, also by several processes, whatever shares come late. Throws
 * `INSUFFICIENT_SHARES:PENDING` until then.
 */
export async function gatherShares(
  context: AgentContext,
  collector: ShareCollector,
  envelope: ParsedEnvelope,
  opened: Content,
  use: NonceUse,
  options: { readonly reservable: boolean; readonly onProgress?: OnProgress | undefined },
): Promise<Gathered> {
  const { warn } = context;
  const bundle = decodeShares(envelope, opened.bytes);
  const { groupId } = bundle.shares[0]!;
  const groupUse = { ...use, nonce: groupId };
  await assertNotReplayed(context, groupUse, 'REPLAY_DETECTED:GROUP_COMPLETE');

  const transcript = groupTranscript(envelope, decodeBase64url(groupId)!);
  const { contentType } = opened;
  const common = concat([transcript, lengthPrefixed([contentType])]);
  const group = collector.add(envelope.fields.from, common, bundle);
  const { total, threshold } = group;
  if (group.shares.size < threshold) throw xlinkError('INSUFFICIENT_SHARES:PENDING');

  await report(options.onProgress, 'reconstructing', { current: group.shares.size, total });
  const { payload, bad } = await collector.open(group);
  const { crypto } = context.identity;
  const { from, to } = envelope.fields;
  const isXchange = envelope.suite.form === 'xchange';
  const content = isXchange
    ? await openXchange(crypto, payload, { from, to, transcript }, group.rest)
    : { bytes: payload, contentType };
  const settle = await claimNonce(context, groupUse, options.reservable, 'REPLAY_DETECTED:GROUP_COMPLETE');
  for (const index of bad) warn({ type: 'bad-share', sender: group.sender, index });
  return {
    groupId,
    content,
    shares: { total, threshold },
    async settle(isUsed) {
      if (isUsed) collector.forget(group);
      await settle(isUsed);
    },
  };
}

/** In a sealed envelope there is nothing behind the shares; in one of Xchange there is the ciphertext. */
function decodeShares({ suite }: ParsedEnvelope, opened: Uint8Array): ShareBundle {
  const bundle = decodeBundle(opened);
  if (suite.form === 'shares' && bundle.rest.length > 0)
    throw xlinkError('INCONSISTENT_SHARES', { field: 'payload' });
  if (bundle.shares[0]!.totalShares > MAX_CHANNELS)
    throw xlinkError('INCONSISTENT_SHARES', { field: 'totalShares' });
  return bundle;
}
