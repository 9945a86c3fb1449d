import { defaultProvider } from '#provider';
import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { ErrorId } from '../errors/table.js';
import type { LimitCounter } from '../limits/counter.js';
import type { AuditEntry } from '../types/audit.js';
import type { PolicyRequest } from '../types/policy.js';
import type { Awaitable } from '../util/awaitable.js';
import { encodeBase64url } from '../util/base64url.js';
import { canonicalJson } from '../util/canonical-json.js';
import { given } from '../util/given.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { PolicyVerdict } from './evaluate.js';
import type { OpenApprovals } from './open-approvals.js';
import type { PolicyLimits, PolicyRequirement } from './rule.js';

/** What is to be approved. */
export interface Approval {
  /** What was asked for. */
  readonly request: PolicyRequest;
  /** SHA-256 over the canonical JSON of `request`, base64url: an approval that names it is of this request alone. */
  readonly hash: string;
  /** The rule that asks. */
  readonly rule: string;
  /** Aborted when nobody waits any longer. */
  readonly signal: AbortSignal;
}

/** Asks a second person or device. Resolves to `true` if it approves; anything else is no. */
export type Approve = (approval: Approval) => Awaitable<boolean>;

/** What is written down of a request that `audit-log` is required of, once all else is met. */
export interface PolicyAuditEntry extends AuditEntry {
  /** Tells it from other entries of a log. */
  readonly type: 'policy';
  /** When it was judged. */
  readonly at: number;
  /** It goes on once this is written. */
  readonly decision: 'accepted';
  /** What was decided, and by what. */
  readonly data: {
    /** What was asked for. */
    readonly request: PolicyRequest;
    /** The rules that ask for the entry. */
    readonly rules: readonly string[];
    /** The revision of the policy. */
    readonly revision: number;
  };
}

/** Where decisions are written down: an `AuditLog` of `@private.me/xlink/audit`, or what stands in its place. A rejection refuses the request. */
export interface PolicyAudit {
  /** Resolves once the entry is kept for good. */
  append(entry: PolicyAuditEntry): Awaitable<unknown>;
}

/** What requirements are met with. */
export interface FulfilParts {
  readonly approve: Approve | undefined;
  readonly approvalTimeoutMs: number;
  readonly audit: PolicyAudit | undefined;
  readonly open: OpenApprovals;
  readonly signal: AbortSignal | undefined;
  readonly counter: LimitCounter;
  readonly revision: number;
  /** Nothing is asked of anybody, and nothing written: what cannot be known is taken as met. */
  readonly isDry: boolean;
}

/** What is not met, and by which rule. */
export interface Unmet {
  readonly error: XlinkError;
  readonly rule?: string;
}

export const WINDOWS = [
  ['requestsPerMinute', 60_000],
  ['requestsPerHour', 3_600_000],
  ['requestsPerDay', 86_400_000],
] as const satisfies readonly (readonly [keyof PolicyLimits, number])[];

/** What costs nothing comes first, people are asked after that, and what is written down will be done. */
export async function unmetOf(
  { require, limits }: PolicyVerdict,
  request: PolicyRequest,
  parts: FulfilParts,
): Promise<Unmet | undefined> {
  const by = (wanted: PolicyRequirement) =>
    require.filter(({ requirement }) => requirement === wanted).map(({ rule }) => rule);
  const unmet = (id: ErrorId, [rule]: readonly string[], cause?: unknown): Unmet => ({
    error: xlinkError(id, cause === undefined ? {} : { cause }),
    ...(rule === undefined ? {} : { rule }),
  });

  const signing = by('signature-now');
  if (signing.length > 0 && request.proof !== 'envelope' && request.proof !== 'signature')
    return unmet('POLICY_UNMET:SIGNATURE_NOW', signing);
  const mutual = by('mutual-trust');
  if (mutual.length > 0 && !request.mutualTrust) return unmet('POLICY_UNMET:MUTUAL_TRUST', mutual);

  const approving = by('2FA');
  const { approve, audit, isDry } = parts;
  if (approving.length > 0 && (!approve || request.id === undefined))
    return unmet('POLICY_UNMET:TWO_FACTOR', approving);
  const writing = by('audit-log');
  if (writing.length > 0 && !audit) return unmet('POLICY_UNMET:AUDIT_LOG', writing);

  for (const { rule, limits: limit } of limits) {
    const waitMs = await countedOver(rule, limit, request, parts.counter);
    if (waitMs !== undefined)
      return { error: xlinkError('POLICY_LIMIT_EXCEEDED', { retryAfterMs: waitMs }), rule };
  }
  if (isDry) return undefined;

  if (approving.length > 0) {
    const end = parts.open.begin(callerOf(request), parts.approvalTimeoutMs);
    if (typeof end === 'number')
      return { error: xlinkError('POLICY_LIMIT_EXCEEDED', { retryAfterMs: end }), rule: approving[0]! };
    try {
      for (const rule of approving)
        if (!(await isApproved(approve!, rule, request, parts)))
          return unmet('POLICY_UNMET:TWO_FACTOR', [rule]);
    } catch (cause) {
      return unmet('POLICY_UNAVAILABLE', approving, cause);
    } finally {
      end();
    }
  }
  try {
    if (writing.length > 0) await audit!.append(entryOf(request, writing, parts.revision));
  } catch (cause) {
    return unmet('POLICY_UNMET:AUDIT_LOG', writing, cause);
  }
  return undefined;
}

/** An entry as audit logs take it. */
function entryOf(request: PolicyRequest, rules: readonly string[], revision: number): PolicyAuditEntry {
  const { at, from, client, id, scopes } = request;
  const scope = scopes.length === 1 ? scopes[0] : undefined;
  return {
    type: 'policy',
    at,
    decision: 'accepted',
    ...given({ from, client, scope, envelopeId: id }),
    data: { request, rules, revision },
  };
}

/** Whose requests are counted together. */
const callerOf = ({ client, from }: PolicyRequest): string =>
  client === undefined ? (from ?? 'keys') : `client:${client}`;

/** Counts the request everywhere; for how many ms its caller has to wait, if it is over a limit. */
async function countedOver(
  rule: string,
  limits: PolicyLimits,
  request: PolicyRequest,
  counter: LimitCounter,
): Promise<number | undefined> {
  const caller = callerOf(request);
  const waits: number[] = [];
  for (const [name, windowMs] of WINDOWS) {
    const quota = limits[name];
    if (quota === undefined) continue;
    const { count, resetMs } = await counter.take(`policy:${rule}:${name}:${caller}`, windowMs);
    if (count > quota) waits.push(resetMs);
  }
  return waits.length > 0 ? Math.max(...waits) : undefined;
}

/** Nobody is asked for a caller that is gone. */
async function isApproved(
  approve: Approve,
  rule: string,
  request: PolicyRequest,
  { approvalTimeoutMs, signal }: FulfilParts,
): Promise<boolean> {
  const hash = encodeBase64url(await defaultProvider().sha256(encodeUtf8(canonicalJson(request))));
  if (signal?.aborted) return false;
  const ending = new AbortController();
  let giveUp = () => {};
  const late = new Promise<false>((resolve) => {
    giveUp = () => resolve(false);
  });
  const timer = setTimeout(giveUp, approvalTimeoutMs);
  signal?.addEventListener('abort', giveUp);
  try {
    return (await Promise.race([approve({ request, hash, rule, signal: ending.signal }), late])) === true;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
    ending.abort();
  }
}
