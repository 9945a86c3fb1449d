import { X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import type { Core } from './core.js';

/** Whether this agent or its machine was revoked. */
export const isRevoked = ({ identity: { agent, machine }, revocations }: Core): boolean =>
  revocations.isAgentRevoked(agent.id) || revocations.isMachineRevoked(machine.id);

/** An agent that was revoked is not there any more. Throws `AGENT_REVOKED`. */
export function assertNotRevoked(core: Core): void {
  if (isRevoked(core))
    throw new X0xError('AGENT_REVOKED', {
      hint: 'This agent or its machine was revoked: make a new identity.',
    });
}

/** The same of another agent on a machine. A revocation may come while something else is written: ask again after that. */
export function assertCounts({ revocations }: Core, agentId: X0xId, machineId: X0xId): void {
  if (revocations.isAgentRevoked(agentId) || revocations.isMachineRevoked(machineId))
    throw new X0xError('AGENT_REVOKED');
}
