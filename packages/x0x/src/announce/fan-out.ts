import type { Did } from '@private.me/xlink';
import { X0xError } from '../errors.js';
import { isRejected } from '../trust/evaluate.js';
import type { Core } from './core.js';

/** Peers that are sent one announcement at most: contacts first, then who was heard of last. */
const MOST_PEERS = 64;

/**
 * Sends to all peers: contacts that are not rejected, and agents that were heard of lately, as far as their DIDs are known. Resolves to how many
 * took it. Throws `NOT_CONNECTED`, or `SEND_FAILED` if there are peers and none took it.
 */
export async function fanOut(
  core: Core,
  scope: string,
  payload: unknown,
  except: readonly (Did | undefined)[] = [],
): Promise<number> {
  const { agent, identity } = core;
  if (!agent) throw new X0xError('NOT_CONNECTED');
  const peers = (await peersOf(core)).filter((did) => did !== identity.xlink.did && !except.includes(did));
  const sent = await Promise.all(peers.slice(0, MOST_PEERS).map((to) => agent.send({ to, scope, payload })));
  const took = sent.filter(({ ok }) => ok).length;
  if (sent.length > 0 && took === 0)
    throw new X0xError('SEND_FAILED', { cause: sent.find(({ ok }) => !ok)?.error });
  return took;
}

async function peersOf({ contacts, discovery, directory, revocations, now }: Core): Promise<readonly Did[]> {
  const agents = [
    ...contacts.list().map(({ agentId }) => agentId),
    ...discovery.list(now()).map(({ agentId }) => agentId),
  ];
  const known = await directory.agents();
  const dids: Did[] = [];
  for (const agentId of new Set(agents)) {
    const machineId = discovery.get(agentId, now())?.machineId;
    const decision = contacts.evaluate(agentId, machineId);
    // A pinned contact of whom was not heard yet is told: what is sealed for its DID nobody else opens.
    if (decision === 'RejectBlocked' || (machineId !== undefined && isRejected(decision))) continue;
    if (!revocations.isAgentRevoked(agentId)) dids.push(...(known.get(agentId) ?? []));
  }
  return [...new Set(dids)];
}
