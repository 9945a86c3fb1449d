import type { Auth, CallerCheck, Did } from '@private.me/xlink';
import { tellAll, type X0xEvent, type X0xObserver } from '../announce/events.js';
import { isX0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import type { X0xNode } from '../node.js';
import type { TrustDecision } from '../trust/evaluate.js';
import { parseTrustLevel, rankOf, type TrustLevel } from '../trust/levels.js';
import { bytesOfHex } from '../util/hex.js';
import { checkNames, checkValue, hasMethods, invalidOption, isBoolean, isDid } from '../util/options.js';
import type { AgentDirectory } from './directory.js';
import { MACHINE_HEADER, provenMachine } from './machine-proof.js';

/** What guards ask: an instance, or parts of one. */
export type GuardSource = Pick<X0xNode, 'contacts' | 'revocations' | 'discovery' | 'directory' | 'now'>;

/** Options of `x0xGuards`. */
export interface GuardOptions {
  /** Whom the service trusts, and what it heard of agents. */
  readonly node: GuardSource;
  /** Where callers are looked up whom the instance does not know: with the registry of the adapter's agent. Default: nowhere else. */
  readonly directory?: AgentDirectory;
  /** The DID of the service, to which machines prove themselves: that of the adapter's agent. */
  readonly did: Did;
  /** Told about each decision. Default none. */
  readonly observers?: readonly X0xObserver[];
}

/** What `requireTrust` asks beside the level. */
export interface TrustOptions {
  /** The agent must be pinned to machines, and prove that it is on one of them. Default `false`: only those that are pinned prove it. */
  readonly pinned?: boolean;
}

/** What `requireHuman` asks. */
export interface HumanOptions {
  /** Only these humans, by user id. Default: any. */
  readonly users?: readonly X0xId[];
}

type Verdict = { readonly reason?: string; readonly decision?: TrustDecision };

/** The rules behind the guards, for any framework. */
export interface CallerChecks {
  /** Why an agent is not of this level; see `requireTrust`. */
  readonly trust: (level: TrustLevel, options?: TrustOptions) => CallerCheck;
  /** Why no human is behind it; see `requireHuman`. */
  readonly human: (options?: HumanOptions) => CallerCheck;
}

/** Throws `INVALID_OPTION`. */
export function callerChecks(options: GuardOptions): CallerChecks {
  const owner = 'x0xGuards';
  checkNames(owner, options, ['node', 'directory', 'did', 'observers']);
  const { node, directory, did, observers = [] } = options;
  if (node === undefined) throw invalidOption('node', `${owner}: node is required.`);
  if (did === undefined)
    throw invalidOption('did', `${owner}: did is required: that of the adapter's agent.`);
  checkValue(owner, 'did', did, isDid, 'a DID, such as did:key:z6Mk…');
  checkValue(owner, 'node.directory', node.directory, hasMethods('agentOf'), 'an AgentDirectory');
  checkValue(owner, 'directory', directory, hasMethods('agentOf'), 'an AgentDirectory');
  const service: Service = { node, did, ...(directory ? { directory } : {}) };
  const told = async (guard: 'trust' | 'human', verdict: Verdict): Promise<string | undefined> => {
    const { reason, ...rest } = verdict;
    const event: X0xEvent = { type: 'guard', guard, outcome: reason ?? 'ok', ...rest };
    tellAll(observers, event);
    return reason;
  };
  return {
    trust(wanted, demand = {}) {
      checkNames('requireTrust', demand, ['pinned']);
      checkValue('requireTrust', 'pinned', demand.pinned, isBoolean, 'true or false');
      const level = parseTrustLevel(wanted);
      if (level === 'blocked') throw invalidOption('level', 'requireTrust: blocked would let everybody in.');
      return async (auth, request) =>
        told('trust', await trustOf(service, auth, request, { level, ...demand }));
    },
    human(human = {}) {
      checkNames('requireHuman', human, ['users']);
      checkValue(
        'requireHuman',
        'users',
        human.users,
        areIds,
        'a list of user ids, each 64 hex digits in lower case',
      );
      return async (auth, request) => told('human', await humanOf(service, auth, request, human));
    },
  };
}

const areIds = (users: unknown): boolean =>
  Array.isArray(users) && users.every((id) => bytesOfHex(id, 32) !== undefined && id === id.toLowerCase());

type Service = Pick<GuardOptions, 'node' | 'directory' | 'did'>;

async function trustOf(
  service: Service,
  auth: Auth,
  request: object,
  { level, pinned = false }: TrustOptions & { readonly level: TrustLevel },
): Promise<Verdict> {
  const found = await agentBehind(service, auth, request);
  if (typeof found === 'string') return { reason: found };
  const { contacts } = service.node;
  const { agentId, decision, reason } = judged(service, found);
  if (reason !== undefined) return { reason, decision };
  if (pinned && contacts.get(agentId)?.identityType !== 'pinned')
    return { reason: 'MACHINE_NOT_PINNED', decision };
  const has = contacts.get(agentId)?.trustLevel ?? 'unknown';
  return rankOf(has) >= rankOf(level) ? { decision } : { reason: 'TRUST_TOO_LOW', decision };
}

async function humanOf(
  service: Service,
  auth: Auth,
  request: object,
  { users }: HumanOptions,
): Promise<Verdict> {
  const found = await agentBehind(service, auth, request);
  if (typeof found === 'string') return { reason: found };
  const { agentId, decision, reason } = judged(service, found);
  if (reason !== undefined) return { reason, decision };
  const certificate = service.node.discovery.certificateOf(agentId, service.node.now());
  if (!certificate) return { reason: 'HUMAN_REQUIRED', decision };
  const isListed = users === undefined || users.includes(idOf(certificate.userPublicKey));
  return isListed ? { decision } : { reason: 'OTHER_HUMAN', decision };
}

type Caller = { readonly agentId: X0xId; readonly machineId: X0xId | undefined };

/** What comes of a caller, and why nothing else is asked. */
function judged({ node }: Service, { agentId, machineId }: Caller) {
  const decision = node.contacts.evaluate(agentId, machineId);
  const mismatch = machineId === undefined ? 'MACHINE_PROOF_MISSING' : 'MACHINE_MISMATCH';
  const reasons = { RejectBlocked: 'AGENT_BLOCKED', RejectMachineMismatch: mismatch };
  const isRejection = decision === 'RejectBlocked' || decision === 'RejectMachineMismatch';
  return { agentId, decision, reason: isRejection ? reasons[decision] : undefined };
}

/** The agent that signed a request, and its machine if it is proven; or why there is none. */
async function agentBehind(
  { node, directory, did }: Service,
  auth: Auth,
  request: object,
): Promise<Caller | string> {
  if (auth.mode !== 'xlink') return 'XLINK_REQUIRED';
  const from = (auth as { did: Did }).did;
  const agentId = (await node.directory.agentOf(from)) ?? (await directory?.agentOf(from));
  if (agentId === undefined) return 'AGENT_UNKNOWN';
  const machine = machineOf(request, { from, to: did }, node.now());
  if (machine === 'invalid') return 'MACHINE_PROOF_INVALID';
  const { contacts, revocations } = node;
  const isRevoked =
    contacts.isRevoked(agentId) ||
    revocations.isAgentRevoked(agentId) ||
    (machine !== undefined && revocations.isMachineRevoked(machine));
  if (isRevoked) return 'AGENT_REVOKED';
  if (machine === undefined && wasOnRevokedMachine(node, agentId)) return 'MACHINE_PROOF_MISSING';
  return { agentId, machineId: machine };
}

/** Whoever leaves the proof out may be on the machine that was revoked. */
function wasOnRevokedMachine({ contacts, discovery, revocations }: GuardSource, agentId: X0xId): boolean {
  const last = discovery.lastMachineOf(agentId);
  return contacts.hasRevokedMachine(agentId) || (last !== undefined && revocations.isMachineRevoked(last));
}

function machineOf(
  request: object,
  claim: { from: Did; to: Did },
  now: number,
): X0xId | 'invalid' | undefined {
  const { headers } = request as { headers?: Readonly<Record<string, unknown>> };
  const proof = headers?.[MACHINE_HEADER];
  if (proof === undefined) return undefined;
  try {
    return provenMachine(proof, claim, now);
  } catch (error) {
    if (isX0xError(error)) return 'invalid';
    throw error;
  }
}
