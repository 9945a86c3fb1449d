import { isPolicyPoint, refusalOf } from '../checks/ask-policy.js';
import { acceptsScope, isOwnScope } from '../checks/scope.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { jsonContent } from '../envelope/plaintext.js';
import { isXlinkError, toXlinkError, xlinkError } from '../errors/service-errors.js';
import { LimitCounter } from '../limits/counter.js';
import type { LimitStore } from '../limits/store.js';
import type { PolicyDecisionPoint } from '../types/policy.js';
import type { Clock, Did, RegistryEntry, Scope } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isObject,
  type OptionCheck,
} from '../util/options.js';
import { payloadAmount } from '../util/payload-amount.js';
import type { AgentContext } from './context.js';
import type { ReceiveRules } from './receive.js';

/** How many messages an agent sends, and takes from each sender. Windows begin with a message. */
export interface AgentRateLimits {
  /** In a minute, from 1. Default: any number. */
  readonly maxPerMinute?: number;
  /** In an hour, from 1. Default: any number. */
  readonly maxPerHour?: number;
}

/** What one agent sends and takes, beside what scopes allow. It counts for messages; requests to an API are for the policy of its adapter. */
export interface AgentPolicy {
  /** Largest payload, in bytes of its JSON, 1 to 2^30. Otherwise `MESSAGE_TOO_LARGE`. Default: as large as envelopes may be. */
  readonly maxMessageSize?: number;
  /** Otherwise `RATE_LIMIT_EXCEEDED`. Counted for all that it sends together, and for what it takes by sender. Default: no limit. */
  readonly rateLimits?: AgentRateLimits;
  /** Scopes of messages in either direction; `*` is any. Otherwise `SCOPE_VIOLATION`. Default: any. */
  readonly allowedScopes?: readonly Scope[];
  /**
   * The other side must have an active entry in the registry of this agent, with scopes that it may send and scopes that it takes.
   * Otherwise `POLICY_UNMET:MUTUAL_TRUST`. Default `false`: senders need an entry that lets them send.
   */
  readonly requireMutualTrust?: boolean;
  /** Where messages are counted: `RedisLimitStore` for several instances. Default: in the memory of this process. */
  readonly limitStore?: LimitStore;
}

const isScopes: OptionCheck = (value) =>
  Array.isArray(value) && value.every(isScopeOrAll) ? undefined : 'an array of scopes';
const isCount = integerIn(1, 1_000_000_000);

/** Throws `INVALID_OPTION`. */
function checkAgentPolicy(policy: AgentPolicy): void {
  checkOptions('Agent: policy', policy, {
    maxMessageSize: integerIn(1, 2 ** 30),
    rateLimits: isObject,
    allowedScopes: isScopes,
    requireMutualTrust: isBoolean,
    limitStore: hasMethods('take'),
  });
  const { rateLimits } = policy;
  if (rateLimits)
    checkOptions('Agent: policy.rateLimits', rateLimits, { maxPerMinute: isCount, maxPerHour: isCount });
}

const isDecisionPoint = (policy: AgentPolicy | PolicyDecisionPoint): policy is PolicyDecisionPoint =>
  typeof (policy as Partial<PolicyDecisionPoint>).decide === 'function';

/** A message that is to be sent, as far as a policy looks at it. */
interface Sending {
  readonly scope: Scope | undefined;
  readonly payload: unknown;
  /** The entry of the recipient. */
  readonly entryOf: () => Promise<RegistryEntry | undefined>;
}

/** What an agent asks before it sends, and before it hands over. */
export class PolicyGuard {
  /** What decides, if that is more than limits. */
  readonly point: PolicyDecisionPoint | undefined;
  readonly #limits: AgentPolicy;
  readonly #counter: LimitCounter;

  /** Throws `INVALID_OPTION`. */
  constructor(policy: AgentPolicy | PolicyDecisionPoint, clock: Clock) {
    this.point = isDecisionPoint(policy) ? policy : undefined;
    this.#limits = isDecisionPoint(policy) ? {} : policy;
    if (this.point) checkOptions('Agent', { policy: this.point }, { policy: isPolicyPoint });
    checkAgentPolicy(this.#limits);
    this.#counter = new LimitCounter(this.#limits.limitStore, clock, () => {});
  }

  /** Throws what the message may not be sent for. */
  async assertMaySend(did: Did, { scope = 'default', payload, entryOf }: Sending): Promise<void> {
    const { maxMessageSize, requireMutualTrust } = this.#limits;
    this.#assertScope(scope);
    if (maxMessageSize !== undefined && payload !== undefined)
      this.#assertSize(jsonContent(payload).bytes.length);
    if (requireMutualTrust) assertMutual(await entryOf());
    await this.#count(`agent:${did}:sent`);
  }

  /** For `receive`. A fault of this side, or a rate, lets the envelope come once more. */
  judge(
    { identity, clock }: AgentContext,
    proof: 'envelope' | 'session' = 'envelope',
  ): NonNullable<ReceiveRules['judge']> {
    return async ({ message, content }, entry, again) => {
      try {
        const { scope, sender, payload, envelopeId } = message;
        const isOwn = isOwnScope(scope); // no rule of an application is about it
        if (!isOwn) this.#assertScope(scope);
        if (content) this.#assertSize(content.length);
        if (this.#limits.requireMutualTrust) assertMutual(entry);
        await this.#count(`agent:${identity.did}:from:${sender}`);
        if (!this.point || isOwn) return;
        const error = await refusalOf(this.point, {
          proof,
          from: sender,
          scopes: [scope],
          at: clock(),
          id: envelopeId,
          mutualTrust: isMutual(entry),
          ...given({
            amount: payloadAmount(payload),
            contentDigest: content && encodeBase64url(await identity.crypto.sha256(content)),
          }),
        });
        if (!error) return;
        const needsEnvelope = proof === 'session' && error.id === 'POLICY_UNMET:SIGNATURE_NOW';
        throw needsEnvelope ? xlinkError('SESSION_NOT_ALLOWED', { field: 'scope' }) : error; // senders know that one
      } catch (thrown) {
        const error = isXlinkError(thrown) ? thrown : xlinkError('POLICY_UNAVAILABLE', { cause: thrown });
        const { status } = toXlinkError(error);
        if (status >= 500 || status === 429) again();
        throw error;
      }
    };
  }

  #assertScope(scope: Scope): void {
    if (!acceptsScope(this.#limits.allowedScopes, scope))
      throw xlinkError('SCOPE_VIOLATION', { field: 'scope', scope });
  }

  #assertSize(bytes: number): void {
    if (bytes > (this.#limits.maxMessageSize ?? Infinity))
      throw xlinkError('MESSAGE_TOO_LARGE', { field: 'payload' });
  }

  async #count(name: string): Promise<void> {
    const { maxPerMinute, maxPerHour } = this.#limits.rateLimits ?? {};
    const waits: number[] = [];
    for (const [window, quota, ms] of [
      ['minute', maxPerMinute, 60_000],
      ['hour', maxPerHour, 3_600_000],
    ] as const) {
      if (quota === undefined) continue;
      const { count, resetMs } = await this.#counter.take(`${name}:${window}`, ms);
      if (count > quota) waits.push(resetMs);
    }
    if (waits.length > 0) throw xlinkError('RATE_LIMIT_EXCEEDED', { retryAfterMs: Math.max(...waits) });
  }
}

const isMutual = (entry: RegistryEntry | undefined): boolean =>
  entry?.status === 'active' && (entry.sendScopes?.length ?? 0) > 0 && (entry.receiveScopes?.length ?? 0) > 0;

function assertMutual(entry: RegistryEntry | undefined): void {
  if (!isMutual(entry)) throw xlinkError('POLICY_UNMET:MUTUAL_TRUST', { field: 'to' });
}
