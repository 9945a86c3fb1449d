import { checkTimestamp } from '../checks/timestamp.js';
import { recordVersion } from '../envelope/negotiate.js';
import { xlinkError } from '../errors/service-errors.js';
import { TO_HEADER } from '../signature/profile.js';
import type { SignedRequest } from '../signature/signed-request.js';
import type { AgentMessage, Version } from '../types/protocol.js';
import { given } from '../util/given.js';
import type { AgentContext } from './context.js';
import { assertNotReplayed, claimNonce } from './nonces.js';
import type { ResolvedPeer } from './peers.js';
import { checkScopes, type Received, type ReceiveRules } from './receive.js';

/** What the receivers of signed requests say beside. */
export type SignedRules = Pick<ReceiveRules, 'arrivedAt' | 'ownScope' | 'onVerified' | 'admit' | 'onClaimed'>;

/** Receives a request that is signed by RFC 9421 in the place of an envelope: the same checks, in the same order. Throws what is wrong with it. */
export async function receiveSigned(
  agent: AgentContext,
  signed: SignedRequest,
  options: SignedRules,
  instead?: Pick<AgentContext, 'peers' | 'minVersion'>,
): Promise<Received> {
  const addressed = agent.succession?.contextOf(signed.to) ?? agent;
  const context = instead ? { ...addressed, ...instead } : addressed;
  const { from, to, scope, nonce, timestamp, expires, request } = signed;
  if (to !== context.identity.did) throw xlinkError('RECIPIENT_MISMATCH', { field: TO_HEADER });
  const { arrivedAt = context.clock() } = options;
  checkTimestamp(timestamp, arrivedAt, context.timestampWindowMs);
  if (expires !== undefined && arrivedAt > expires)
    throw xlinkError('SIGNATURE_EXPIRED', { field: 'expires' });
  const use = { recipient: to, sender: from, nonce, timestamp };
  await assertNotReplayed(context, use);

  const sender = await context.peers.resolve(from, 'sender');
  const version = signed.mlDsa65 ? 3 : 1;
  assertStrong(context, sender, version);
  await verify(sender, signed);
  options.onVerified?.(from, sender.entry);

  const scopes = checkScopes(context, sender, { kind: 'request', scope }, options);
  await options.admit?.(from, sender.entry, nonce);
  await claimNonce(context, use, false);
  const { peer } = sender;
  peer.shownVersion = Math.max(peer.shownVersion, version) as Version;
  const recipient = addressed === agent ? {} : { recipient: to };
  options.onClaimed?.({ sender: from, scope, envelopeId: nonce, request, ...recipient, signed });
  const { contentDigest, contentType } = signed;
  const message: AgentMessage = {
    kind: 'request',
    sender: from,
    payload: undefined,
    scope,
    ...given({ scopes }),
    version,
    encrypted: false,
    timestamp,
    envelopeId: nonce,
    request,
    fields: signed.headers.join(' '),
    ...given({ contentDigest, contentType }),
    ...recipient,
  };
  return { message, content: undefined, contentType: undefined, signed };
}

/**
 * Versions 1 and 2 are signed alike, and differ in how they are encrypted, which nothing is here. Version 3 is the one that has a
 * second signature.
 */
function assertStrong(
  { identity, minVersion, versionFloor }: AgentContext,
  { peer }: ResolvedPeer,
  version: Version,
): void {
  const onRecord =
    versionFloor === 'record' && peer.record ? Math.min(recordVersion(peer.record), identity.maxVersion) : 1;
  if (Math.max(minVersion, onRecord, peer.shownVersion) === 3 && version < 3)
    throw xlinkError('SIGNATURE_PQ_REQUIRED', { field: 'xlink-pq' });
}

async function verify({ peer, peers }: ResolvedPeer, { ed25519, mlDsa65 }: SignedRequest): Promise<void> {
  if (!(await peer.ed25519.verify(ed25519.base, ed25519.signature)))
    throw xlinkError('VERIFICATION_FAILED:SIGNATURE_MISMATCH', { field: 'signature' });
  if (!mlDsa65) return;
  const verifier = await peers.mlDsa65(peer);
  if (!verifier) throw xlinkError('VERIFICATION_FAILED:NO_PQ_KEY', { field: 'signature' });
  if (!(await verifier.verify(mlDsa65.base, mlDsa65.signature)))
    throw xlinkError('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH', { field: 'signature' });
}
