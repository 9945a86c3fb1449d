import { Agent, acceptInvite, Identity, Invites } from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import type { Taker } from './taker.js';

const agent = new Agent({ identity: await Identity.fromSeed(seedOf('invite options')) });
const url = 'https://billing.example/xlink';

export const INVITE_TAKERS: readonly Taker[] = [
  {
    name: 'Agent.lazy',
    type: 'LazyAgentOptions',
    option: 'invite',
    call: (more: object) => Agent.lazy(more),
  },
  {
    name: 'Invites',
    type: 'InvitesOptions',
    option: 'store',
    call: (more: object) => new Invites({ agent, url, ...more }),
  },
  {
    name: 'Invites.create',
    type: 'InvitePeerOptions',
    option: 'scopes',
    call: (more: object) => new Invites({ agent, url }).create({ scopes: [], ...more }),
  },
  {
    name: 'acceptInvite',
    type: 'AcceptInviteOptions',
    option: 'timeoutMs',
    call: (more: object) => acceptInvite(agent, 'XLK-', more),
  },
];
