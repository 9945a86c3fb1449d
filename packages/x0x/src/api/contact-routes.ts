import type { Contact, IdentityType, MachineRecord } from '../trust/contact.js';
import { parseTrustLevel } from '../trust/levels.js';
import { parseId } from '../util/hex.js';
import {
  base64In,
  either,
  flagIn,
  invalid,
  only,
  optionalTextIn,
  type Route,
  type RouteInput,
  textIn,
} from './route.js';

const TYPES = ['anonymous', 'known', 'trusted', 'pinned'];

const agentOf = ({ params }: RouteInput): string => parseId(params['agent_id']);
const machineOf = ({ params }: RouteInput): string => parseId(params['machine_id'], 'machine_id');

const shownContact = (contact: Contact) => ({
  agent_id: contact.agentId,
  trust_level: contact.trustLevel,
  label: contact.label ?? null,
  added_at: contact.addedAt,
  last_seen: contact.lastSeen ?? null,
  identity_type: contact.identityType,
});

const shownMachine = (machine: MachineRecord) => ({
  machine_id: machine.machineId,
  label: machine.label ?? null,
  first_seen: machine.firstSeen,
  last_seen: machine.lastSeen,
  pinned: machine.pinned,
});

const machinesPath = '/contacts/:agent_id/machines';

/** Whom the instance trusts, and what comes of others. */
export const CONTACT_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/contacts',
    run: ({ node }) => ({ contacts: node.contacts.list().map(shownContact) }),
  },
  {
    method: 'POST',
    path: '/contacts',
    status: 201,
    async run({ node, body }) {
      only(body, 'agent_id', 'trust_level', 'label');
      const level = parseTrustLevel(body['trust_level'] ?? 'known');
      const { agentId } = await node.contacts.setTrust(
        parseId(body['agent_id']),
        level,
        optionalTextIn(body, 'label'),
      );
      return { agent_id: agentId };
    },
  },
  {
    method: 'POST',
    path: '/contacts/trust',
    async run({ node, body }) {
      only(body, 'agent_id', 'level', 'trust_level');
      const level = parseTrustLevel(either(body, 'level', 'trust_level'));
      const contact = await node.contacts.setTrust(parseId(body['agent_id']), level);
      return { agent_id: contact.agentId, trust_level: contact.trustLevel };
    },
  },
  {
    method: 'PATCH',
    path: '/contacts/:agent_id',
    async run(input) {
      const { node, body } = input;
      only(body, 'trust_level', 'identity_type', 'label');
      const label = optionalTextIn(body, 'label');
      const level = body['trust_level'] == null ? undefined : parseTrustLevel(body['trust_level']);
      const type = optionalTextIn(body, 'identity_type')?.toLowerCase();
      if (type !== undefined && !TYPES.includes(type))
        throw invalid('identity_type', `There are ${TYPES.join(', ')}.`);
      if (level !== undefined) await node.contacts.setTrust(agentOf(input), level);
      if (label !== undefined) await node.contacts.rename(agentOf(input), label);
      if (type !== undefined) await node.contacts.setIdentityType(agentOf(input), type as IdentityType);
      return {};
    },
  },
  {
    method: 'DELETE',
    path: '/contacts/:agent_id',
    async run(input) {
      await input.node.contacts.remove(agentOf(input));
      return {};
    },
  },
  {
    method: 'POST',
    path: '/contacts/:agent_id/revoke',
    async run(input) {
      only(input.body, 'reason');
      await input.node.contacts.revoke(agentOf(input), textIn(input.body, 'reason'));
      return {};
    },
  },
  {
    method: 'GET',
    path: '/contacts/:agent_id/revocations',
    run: ({ node }) => ({
      revocations: node.contacts.revocations.map(({ agentId, reason, timestamp, revokerId }) => ({
        agent_id: agentId,
        reason,
        timestamp,
        revoker_id: revokerId ?? null,
      })),
    }),
  },
  {
    method: 'GET',
    path: machinesPath,
    run: (input) => ({
      machines: (input.node.contacts.get(agentOf(input))?.machines ?? []).map(shownMachine),
    }),
  },
  {
    method: 'POST',
    path: machinesPath,
    status: 201,
    async run(input) {
      const { node, body } = input;
      only(body, 'machine_id', 'label', 'pinned');
      const machineId = parseId(body['machine_id'], 'machine_id');
      const isPinned = flagIn(body, 'pinned');
      let contact = await node.contacts.addMachine(agentOf(input), machineId, optionalTextIn(body, 'label'));
      if (isPinned) contact = await node.contacts.pin(contact.agentId, machineId);
      return { machine: shownMachine(contact.machines.find((one) => one.machineId === machineId)!) };
    },
  },
  {
    method: 'DELETE',
    path: `${machinesPath}/:machine_id`,
    async run(input) {
      await input.node.contacts.removeMachine(agentOf(input), machineOf(input));
      return {};
    },
  },
  {
    method: 'POST',
    path: `${machinesPath}/:machine_id/pin`,
    async run(input) {
      await input.node.contacts.pin(agentOf(input), machineOf(input));
      return { pinned: true };
    },
  },
  {
    method: 'DELETE',
    path: `${machinesPath}/:machine_id/pin`,
    async run(input) {
      await input.node.contacts.unpin(agentOf(input), machineOf(input));
      return { unpinned: true };
    },
  },
  {
    method: 'POST',
    path: '/trust/evaluate',
    run({ node, body }) {
      only(body, 'agent_id', 'machine_id');
      const agentId = parseId(body['agent_id']);
      return { decision: node.contacts.evaluate(agentId, parseId(body['machine_id'], 'machine_id')) };
    },
  },
  {
    method: 'GET',
    path: '/agents/discovered',
    run: ({ node }) => ({
      agents: node.discovery
        .list(node.now())
        .map(({ agentId, machineId, userId, announcedAt, lastSeen, did }) => ({
          agent_id: agentId,
          machine_id: machineId,
          user_id: userId ?? null,
          announced_at: announcedAt,
          last_seen: lastSeen,
          addresses: did === undefined ? [] : [did],
        })),
    }),
  },
  {
    method: 'POST',
    path: '/direct/send',
    async run({ node, body }) {
      only(body, 'agent_id', 'payload', 'payload_b64');
      const name = body['payload'] === undefined ? 'payload_b64' : 'payload';
      either(body, 'payload', 'payload_b64');
      return { message_id: await node.sendDirect(parseId(body['agent_id']), base64In(body, name)) };
    },
  },
];
