import { LimitCounter } from '../limits/counter.js';
import { MemoryLimitStore } from '../limits/memory-store.js';
import type { PolicyRequest } from '../types/policy.js';
import { evaluate } from './evaluate.js';
import { type FulfilParts, unmetOf } from './fulfil.js';
import { readyRule } from './match.js';
import { OpenApprovals } from './open-approvals.js';
import type { ParsedPolicy } from './parse.js';
import type { PolicyLimits, PolicyRequirement } from './rule.js';

/** A request that would be refused. */
export interface DryRefusal {
  /** Which one it was, from 0. */
  readonly index: number;
  /** The id of the error. */
  readonly reason: string;
  /** The rule that would refuse it; absent where that is `otherwise`. */
  readonly rule?: string;
}

/** What a policy would have done with recorded traffic. */
export interface DryRun {
  /** Requests that were looked at. */
  readonly requests: number;
  /** How many would be refused. */
  readonly refused: number;
  /** How many each rule is about. */
  readonly rules: Readonly<Record<string, number>>;
  /** How many would have to meet each requirement. */
  readonly required: Readonly<Partial<Record<PolicyRequirement, number>>>;
  /** Of these, what was taken as met, whether or not the engine has a port for it: nobody is asked to approve, and nothing is written. */
  readonly assumed: readonly PolicyRequirement[];
  /** The first thousand that would be refused. */
  readonly refusals: readonly DryRefusal[];
}

const MAX_REFUSALS = 1000;
const ASSUMED: readonly PolicyRequirement[] = ['2FA', 'audit-log'];

/** Judges recorded requests, in their order, by their own time. Asks nobody, writes nothing, and counts for itself. */
export async function dryRun(
  { rules, otherwise }: ParsedPolicy,
  requests: Iterable<PolicyRequest> | AsyncIterable<PolicyRequest>,
  defaultLimits: PolicyLimits,
): Promise<DryRun> {
  let now = 0;
  const counter = new LimitCounter(
    new MemoryLimitStore(() => now),
    () => now,
    () => {},
  );
  const ready = rules.map(readyRule);
  const about: Record<string, number> = Object.fromEntries(rules.map(({ id }) => [id, 0]));
  const required: Partial<Record<PolicyRequirement, number>> = {};
  const refusals: DryRefusal[] = [];
  let [count, refused] = [0, 0];
  const dry: FulfilParts = {
    approve: () => true,
    audit: { append: () => {} },
    open: new OpenApprovals(1),
    signal: undefined,
    counter,
    approvalTimeoutMs: 1,
    revision: 0,
    isDry: true,
  };
  for await (const request of requests) {
    now = request.at;
    const verdict = evaluate(ready, otherwise, request, defaultLimits);
    const matching = verdict.rules.filter(({ match }) => match !== 'no').map(({ rule }) => rule);
    for (const rule of new Set(matching)) about[rule]! += 1;
    for (const each of new Set(verdict.require.map(({ requirement }) => requirement)))
      required[each] = (required[each] ?? 0) + 1;
    const { rule } = verdict;
    const unmet =
      verdict.effect === 'deny'
        ? { reason: 'POLICY_DENIED', rule }
        : await unmetOf(verdict, request, dry).then(
            (found) => found && { reason: found.error.id, rule: found.rule },
          );
    if (unmet) {
      refused += 1;
      const { reason, rule: by } = unmet;
      if (refusals.length < MAX_REFUSALS)
        refusals.push({ index: count, reason, ...(by ? { rule: by } : {}) });
    }
    count += 1;
  }
  const assumed = ASSUMED.filter((each) => required[each] !== undefined);
  return { requests: count, refused, rules: about, required, assumed, refusals };
}
