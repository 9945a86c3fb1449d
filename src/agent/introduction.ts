import { jsonContent } from '../envelope/plaintext.js';
import { signOnlyEnvelope } from '../envelope/seal.js';
import type { Result } from '../errors/result.js';
import type { TrustRegistry } from '../types/ports.js';
import type { AgentMessage, Did, Envelope, RegistryEntry, Scope, Version } from '../types/protocol.js';
import { anything, checkOptions, isFunction, isString, requireOption } from '../util/options.js';
import type { AgentContext } from './context.js';
import { ENVELOPE_OPTIONS } from './envelope-options.js';
import { Peers } from './peers.js';
import { type ReceiveRules, receive } from './receive.js';

/** A signed-only envelope to or from a peer that is in no registry yet. */
export interface Introduction {
  readonly scope: Scope;
  /** From `requestBinding()`; compulsory in both directions. */
  readonly request: string;
}

const { scope, request } = ENVELOPE_OPTIONS;
const INTRODUCTION_OPTIONS = { scope, request };

/**
 * Makes an introduction: no registry is asked and no scope list applies. At most version 2, whose signature can be
 * checked with the DID alone.
 */
export async function createIntroduction(
  context: AgentContext,
  options: Introduction & { readonly to: Did; readonly payload: unknown },
): Promise<Envelope> {
  checkOptions('createIntroduction', options, { ...INTRODUCTION_OPTIONS, to: isString, payload: anything });
  const { identity, clock, random } = context;
  const { to, payload, scope, request } = options;
  const version = Math.min(2, identity.maxVersion) as Version;
  const draft = {
    version,
    kind: 'request' as const,
    to,
    timestamp: clock(),
    nonce: random(16),
    scope,
    request,
  };
  return signOnlyEnvelope(identity, draft, jsonContent(payload).bytes);
}

/** Receives an introduction with all checks but those of the registry: any signer is accepted, for this scope only. */
export async function receiveIntroduction(
  context: AgentContext,
  input: unknown,
  options: Introduction & Pick<ReceiveRules, 'admit' | 'onClaimed'>,
): Promise<AgentMessage> {
  checkOptions('receiveIntroduction', options, {
    ...INTRODUCTION_OPTIONS,
    admit: isFunction,
    onClaimed: isFunction,
  });
  for (const name of ['scope', 'request']) requireOption('receiveIntroduction', options, name);
  const { scope, request, ...hear } = options;
  const rules: ReceiveRules = {
    allowCleartext: true,
    request,
    requireRequestBinding: true,
    kind: 'request',
    ownScope: scope,
    ...hear,
  };
  const { message } = await receive(context, input, rules, anySigner(context));
  return message;
}

/** What counts in place of the registry of an agent. */
export const anySigner = ({ identity }: AgentContext) =>
  ({ peers: new Peers(ANYONE, identity.crypto), minVersion: 1 }) as const;

const ANYONE: TrustRegistry = {
  lookup: (did): RegistryEntry => ({ did, status: 'active' }),
  register: (): Result<void> => ({ ok: true, value: undefined }),
  updateKeys: (): Result<void> => ({ ok: true, value: undefined }),
};
