import type { KeyRecord } from '@private.me/xlink';
import { X0xError } from '../errors.js';
import type { AgentBinding } from './binding.js';

/** What joins a DID to an agent, for others. */
export interface AgentContact {
  /** Of the DID, signed by its keys: if it has the ML-DSA-65 key of the agent, nothing else is needed. */
  readonly record: KeyRecord;
  /** For an agent whose key came from elsewhere. */
  readonly binding?: AgentBinding | undefined;
}

/** A text longer than any of them: the signature of ML-DSA-65 in base64url. */
const LONGEST = 4500;

/**
 * The members that a contact has, and no others: what else came with it is neither kept nor passed on. Who signed it is not asked. Throws
 * `BINDING_INVALID`.
 */
export function contactIn(value: unknown): AgentContact {
  const { record, binding } = Object(value) as Record<string, unknown>;
  const said = {
    did: textIn(record, 'did'),
    epoch: countIn(record, 'epoch'),
    keyEpoch: countIn(record, 'keyEpoch'),
    notBefore: countIn(record, 'notBefore'),
    notAfter: countIn(record, 'notAfter'),
    x25519: textIn(record, 'x25519'),
    ...optional(record, 'mlKem768'),
    ...optional(record, 'mlDsa65'),
    ...optional(record, 'next'),
    signature: textIn(record, 'signature'),
    ...optional(record, 'pqSignature'),
  };
  return binding == null ? { record: said } : { record: said, binding: bindingIn(binding) };
}

/** The same of a binding. Throws `BINDING_INVALID`. */
export const bindingIn = (value: unknown): AgentBinding => ({
  did: textIn(value, 'did'),
  agentPublicKey: textIn(value, 'agentPublicKey'),
  issuedAt: countIn(value, 'issuedAt'),
  signature: textIn(value, 'signature'),
  agentSignature: textIn(value, 'agentSignature'),
});

const memberOf = (value: unknown, name: string): unknown => (Object(value) as Record<string, unknown>)[name];

function textIn(value: unknown, name: string): string {
  const text = memberOf(value, name);
  if (typeof text !== 'string' || text.length > LONGEST)
    throw new X0xError('BINDING_INVALID', { field: name });
  return text;
}

function countIn(value: unknown, name: string): number {
  const count = memberOf(value, name);
  if (!Number.isSafeInteger(count) || (count as number) < 0)
    throw new X0xError('BINDING_INVALID', { field: name });
  return count as number;
}

const optional = <Name extends string>(value: unknown, name: Name) =>
  (memberOf(value, name) === undefined ? {} : { [name]: textIn(value, name) }) as { [K in Name]?: string };
