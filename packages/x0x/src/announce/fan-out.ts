import type { Did } from '@private.me/xlink';
import { X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import { isRejected } from '../trust/evaluate.js';
import { rankOf } from '../trust/levels.js';
import type { Core } from './core.js';

/** Peers that are sent one announcement at most. */
const MOST_PEERS = 64;
/** DIDs of one agent that are sent it. */
const MOST_DIDS = 2;
/** Strangers that became known through one contact, as long as there are others. */
const MOST_VIA = 8;

/**
 * Sends to peers, as far as their DIDs are known and they are not rejected: contacts first, the most trusted before others, then who was heard
 * of last, in equal shares for the contacts through whom they became known. Resolves to how many took it. Throws `NOT_CONNECTED`, or
 * `SEND_FAILED` if there are peers and none took it.
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

async function peersOf(core: Core): Promise<readonly Did[]> {
  const { contacts, discovery, directory, now } = core;
  const known = await directory.agents();
  const dids = agentsInTurn(core).flatMap((agentId) => {
    const found = discovery.get(agentId, now());
    const decision = contacts.evaluate(agentId, found?.machineId);
    // A pinned contact of whom was not heard yet is told: what is sealed for its DID nobody else opens.
    if (decision === 'RejectBlocked' || (found && isRejected(decision))) return [];
    const all = known.get(agentId) ?? [];
    const latest = found?.did !== undefined && all.includes(found.did) ? [found.did] : [];
    return [...new Set([...latest, ...all.toReversed()])].slice(0, MOST_DIDS);
  });
  return [...new Set(dids)];
}

function agentsInTurn({ contacts, discovery, now }: Core): readonly X0xId[] {
  const ofContacts = contacts
    .list()
    .toSorted((a, b) => rankOf(b.trustLevel) - rankOf(a.trustLevel))
    .map(({ agentId }) => agentId);
  const strangers = discovery
    .list(now())
    .filter(({ agentId }) => !contacts.get(agentId))
    .toReversed();
  const shares = new Map<X0xId | undefined, number>();
  const turns = strangers.map(({ agentId, via }) => {
    const share = shares.get(via) ?? 0;
    shares.set(via, share + 1);
    return { agentId, turn: share < MOST_VIA ? 0 : 1 };
  });
  const inTurn = turns.toSorted((a, b) => a.turn - b.turn).map(({ agentId }) => agentId);
  return [...ofContacts, ...inTurn];
}
