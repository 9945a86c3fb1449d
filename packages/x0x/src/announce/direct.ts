import type { AgentMessage, Did } from '@private.me/xlink';
import { proveMachine, provenMachine } from '../bridge/machine-proof.js';
import { decodeBytes, encodeBytes } from '../bridge/signed-text.js';
import { isX0xError, X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import { isRejected, type TrustDecision } from '../trust/evaluate.js';
import type { Core } from './core.js';
import { assertNotRevoked } from './revoked.js';
import { TOPICS } from './topics.js';
import type { DirectListeners } from './waiting.js';

/** Bytes of one message at most: 48 KiB, as in x0x. */
export const MAX_DIRECT_BYTES = 49_152;

/** A message from another agent. */
export interface DirectMessage {
  /** Who sent it. */
  readonly agentId: X0xId;
  /** From which machine; its key has signed that. */
  readonly machineId: X0xId;
  /** What it says. */
  readonly payload: Uint8Array;
  /** What comes of agent and machine; never a rejection. `Unknown` is delivered, too. */
  readonly decision: TrustDecision;
  /** Unique per sender. It may come twice: this tells. */
  readonly messageId: string;
  /** When it was made, in ms since 1970. */
  readonly timestamp: number;
}

/** Takes a message. One whose listener rejected comes again. */
export type DirectListener = (message: DirectMessage) => void | Promise<void>;

/**
 * Sends to an agent: looks it up, asks whether it is trusted on the machine it was last seen on, and hands the sealed message to the relay.
 * Resolves to its id. Throws `NOT_CONNECTED`, `AGENT_UNKNOWN`, `AGENT_BLOCKED`, `AGENT_REVOKED`, `MACHINE_MISMATCH` or `SEND_FAILED`.
 */
export async function sendDirect(core: Core, agentId: X0xId, payload: Uint8Array): Promise<string> {
  const { agent, identity, now, tell } = core;
  try {
    if (!agent) throw new X0xError('NOT_CONNECTED');
    assertNotRevoked(core);
    if (payload.length > MAX_DIRECT_BYTES)
      throw new X0xError('REQUEST_TOO_LARGE:MESSAGE', { field: 'payload' });
    const to = await peerOf(core, agentId);
    const machine = proveMachine(identity.machine, { from: identity.xlink.did, to }, now());
    const sent = await agent.send({
      to,
      scope: TOPICS.direct,
      payload: { payload: encodeBytes(payload), machine },
    });
    if (!sent.ok) throw new X0xError('SEND_FAILED', { cause: sent.error });
    tell({ type: 'message', direction: 'out', outcome: 'ok', agentId });
    return sent.value.envelopeId;
  } catch (error) {
    tell({ type: 'message', direction: 'out', outcome: isX0xError(error) ? error.id : 'INTERNAL', agentId });
    throw error;
  }
}

async function peerOf(
  { discovery, directory, contacts, revocations, now }: Core,
  agentId: X0xId,
): Promise<Did> {
  if (revocations.isAgentRevoked(agentId) || contacts.isRevoked(agentId)) throw new X0xError('AGENT_REVOKED');
  const found = discovery.get(agentId, now());
  const did = found?.did ?? (await directory.didsOf(agentId)).at(-1);
  if (did === undefined) throw new X0xError('AGENT_UNKNOWN');
  const machineId = found?.machineId ?? discovery.lastMachineOf(agentId);
  const isRevoked =
    machineId === undefined ? contacts.hasRevokedMachine(agentId) : revocations.isMachineRevoked(machineId);
  if (isRevoked)
    throw new X0xError('AGENT_REVOKED', {
      hint: 'Its machine was revoked; it is reached again when it announces itself on another one.',
    });
  const decision = contacts.evaluate(agentId, found?.machineId);
  if (decision === 'RejectBlocked') throw new X0xError('AGENT_BLOCKED');
  if (decision === 'RejectMachineMismatch') throw new X0xError('MACHINE_MISMATCH');
  return did;
}

/** Hands a message to the listeners, unless its sender is rejected. Throws what a listener throws, and nothing else. */
export async function takeDirect(
  core: Core,
  message: AgentMessage,
  agentId: X0xId,
  listeners: DirectListeners,
): Promise<void> {
  const opened = openedFrom(core, message, agentId);
  core.tell({
    type: 'message',
    direction: 'in',
    outcome: opened instanceof X0xError ? opened.id : 'ok',
    agentId,
  });
  if (opened instanceof X0xError) return;
  await listeners.tell(opened);
}

function openedFrom(core: Core, message: AgentMessage, agentId: X0xId): DirectMessage | X0xError {
  const { identity, contacts, revocations } = core;
  const { payload: text, machine } = Object(message.payload);
  const payload = decodeBytes(text);
  if (!payload || payload.length > MAX_DIRECT_BYTES)
    return new X0xError('REQUEST_INVALID', { field: 'payload' });
  try {
    const claim = { from: message.sender, to: identity.xlink.did };
    // By the time at which the message was made: it may have waited at the relay.
    const machineId = provenMachine(machine, claim, Math.floor(message.timestamp / 1000));
    if (revocations.isMachineRevoked(machineId)) return new X0xError('AGENT_REVOKED');
    const decision = contacts.evaluate(agentId, machineId);
    if (isRejected(decision))
      return new X0xError(decision === 'RejectBlocked' ? 'AGENT_BLOCKED' : 'MACHINE_MISMATCH');
    const { envelopeId, timestamp } = message;
    return { agentId, machineId, payload, decision, messageId: envelopeId, timestamp };
  } catch (error) {
    return isX0xError(error) ? error : new X0xError('INTERNAL', { cause: error });
  }
}
