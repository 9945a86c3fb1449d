import { KINDS } from '../envelope/kinds.js';
import { isXlinkError } from '../errors/errors.js';
import type { Result } from '../errors/result.js';
import type { Envelope } from '../types/protocol.js';
import {
  checkOptions,
  integerIn,
  isBoolean,
  isFunction,
  isObject,
  isString,
  type OptionChecks,
  oneOf,
  requireOption,
} from '../util/options.js';
import type { AgentContext } from './context.js';
import { type Received, type ReceiveOptions, type ReceiveRules, receive } from './receive.js';
import type { SendOutcome } from './send.js';

/** What `receive` takes: JSON text or bytes, an envelope, or what `send` returned. */
export type ReceiveInput = string | Uint8Array | Envelope | Result<SendOutcome>;

/** Receives one envelope, or as many of those that `send` returned as it takes to have the message. */
export async function receiveAny(
  context: AgentContext,
  input: ReceiveInput,
  options: ReceiveOptions,
): Promise<Received> {
  const envelopes = envelopesIn(input);
  const last = envelopes.pop();
  for (const envelope of envelopes) {
    try {
      return await receive(context, envelope, options);
    } catch (error) {
      if (!isXlinkError(error) || error.id !== 'INSUFFICIENT_SHARES:PENDING') throw error;
    }
  }
  return receive(context, last, options);
}

/** The envelopes in what `send` returned; throws its error. Anything else stays as it is, for the parser to judge. */
function envelopesIn(input: ReceiveInput): unknown[] {
  let failure: unknown;
  try {
    const { ok, value, error } = (input ?? {}) as Partial<Result<SendOutcome>>;
    if (ok === true) return [...(value?.envelopes ?? [value?.envelope])];
    if (ok === false) failure = error;
  } catch {
    return []; // a getter that throws
  }
  if (isXlinkError(failure)) throw failure;
  return [input];
}

const isTime = integerIn(0, Number.MAX_SAFE_INTEGER);
const CHECKS: OptionChecks<ReceiveRules> = {
  allowCleartext: isBoolean,
  request: isString,
  requireRequestBinding: isBoolean,
  inReplyTo: isString,
  maxAgeMs: isTime,
  handle: isFunction,
  onVerified: isFunction,
  onProgress: isFunction,
  kind: oneOf(...KINDS),
  ownScope: isString,
  alsoScope: isString,
  admit: isFunction,
  first: isObject,
  onClaimed: isFunction,
  judge: isFunction,
  arrivedAt: isTime,
  maxEnvelopeBytes: integerIn(0, 2 ** 30),
};

/** Throws `INVALID_OPTION`. */
export function checkReceiveOptions(options: ReceiveRules, maxAgeMs: number): void {
  const isRare = options?.maxAgeMs !== undefined; // every message is checked, so nothing is made for those without it
  checkOptions('receive', options, isRare ? { ...CHECKS, maxAgeMs: integerIn(1, maxAgeMs) } : CHECKS);
  if (options.requireRequestBinding) requireOption('receive', options, 'request');
}
