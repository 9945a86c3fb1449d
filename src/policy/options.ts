import { xlinkError } from '../errors/service-errors.js';
import type { LimitStore } from '../limits/store.js';
import type { PolicyRequest } from '../types/policy.js';
import type { Clock } from '../types/protocol.js';
import {
  anything,
  checkOptions,
  hasMethods,
  integerIn,
  isFunction,
  isObject,
  oneOf,
} from '../util/options.js';
import type { Approve, PolicyAudit } from './fulfil.js';
import type { PolicyDocument, PolicyLimits } from './rule.js';
import { LIMIT_CHECKS } from './rule-checks.js';
import type { PolicySource } from './source.js';

/** `observe`: refuses nothing and reports what it would refuse. `enforce`: refuses. */
export type PolicyMode = 'observe' | 'enforce';

/** Options of `PolicyEngine.create()`: a document, or where to read it. */
export interface PolicyEngineOptions extends Partial<PolicyDocument> {
  /** Where the policy is read from, and read again: `policyFile()`, `policyInStore()`. In the place of `rules`. Default none. */
  readonly source?: PolicySource;
  /** How often a source that cannot be watched is read again, in ms, from 100 to a day. Default 5000. */
  readonly reloadIntervalMs?: number;
  /** Default `enforce`. */
  readonly mode?: PolicyMode;
  /** Asks for the approval that `2FA` requires. Without it such requests are refused, and a warning says so when the policy is loaded. */
  readonly approve?: Approve;
  /** How long an approval may take, in ms, up to an hour; after that it is a no. Default 30 000. */
  readonly approvalTimeoutMs?: number;
  /** How many approvals one caller may wait for at a time in this process, 1 to 10 000; more are 429 `POLICY_LIMIT_EXCEEDED`. Default 10. */
  readonly maxOpenApprovals?: number;
  /** Where `audit-log` is written: an `AuditLog` of `@private.me/xlink/audit`, which must not drop entries. Without it such requests are refused, and a warning says so. */
  readonly audit?: PolicyAudit;
  /** Where requests are counted: `RedisLimitStore` for several instances. Default: in the memory of each process. */
  readonly limitStore?: LimitStore;
  /** What `rate-limit` means in a rule without `limits`. Default {@link DEFAULT_POLICY_LIMITS}: 60 a minute. */
  readonly defaultLimits?: PolicyLimits;
  /** Told every request that is judged, for a dry run later. It holds no payload; what this throws is a fault, and changes nothing. Default: not called. */
  readonly record?: (request: PolicyRequest) => void;
  /** By which rules with `time` and counts go, and `at` of requests that are judged. Default `Date.now`, and `at` as it is asked. */
  readonly clock?: Clock;
  /** Told what is weak in a policy that was loaded. Default: printed by `console.warn`. */
  readonly onWarning?: (text: string) => void;
  /** Told what went wrong where that refuses nothing: a store of counts that is down, a source that cannot be read. Default: not called. */
  readonly onFault?: (error: unknown) => void;
}

/** Throws `INVALID_OPTION`, or `POLICY_INVALID` for what is wrong in rules. */
export function checkEngineOptions(options: PolicyEngineOptions): void {
  checkOptions('PolicyEngine.create', options, {
    rules: anything,
    otherwise: anything,
    source: hasMethods('load'),
    reloadIntervalMs: integerIn(100, 86_400_000),
    mode: oneOf('observe', 'enforce'),
    approve: isFunction,
    approvalTimeoutMs: integerIn(1, 3_600_000),
    maxOpenApprovals: integerIn(1, 10_000),
    audit: hasMethods('append'),
    limitStore: hasMethods('take'),
    defaultLimits: isObject,
    record: isFunction,
    clock: isFunction,
    onWarning: isFunction,
    onFault: isFunction,
  });
  const { source, rules, otherwise, defaultLimits } = options;
  const isGiven = rules !== undefined || otherwise !== undefined;
  if ((source === undefined) !== isGiven)
    throw xlinkError('INVALID_OPTION', {
      field: source ? 'rules' : 'source',
      hint: 'PolicyEngine.create: pass either rules or source.',
    });
  if (defaultLimits) checkOptions('PolicyEngine.create: defaultLimits', defaultLimits, LIMIT_CHECKS);
}
