import { isXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { PolicyContext, PolicyDecision, PolicyDecisionPoint, PolicyRequest } from '../types/policy.js';
import { within } from '../util/deadline.js';
import { hasMethods, type OptionCheck } from '../util/options.js';

const DEFAULT_TIMEOUT_MS = 5000;

/** Longer than any timer; `Infinity` is meant then. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const decides = hasMethods('decide');

/** What can be the policy of an adapter or agent. */
export const isPolicyPoint: OptionCheck = (value) => {
  const complaint = decides(value);
  if (complaint) return complaint;
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = value as PolicyDecisionPoint;
  const isTime = timeoutMs === Infinity || (timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS);
  return typeof timeoutMs === 'number' && isTime
    ? undefined
    : `a policy whose timeoutMs is a number from 1 to ${MAX_TIMEOUT_MS}, or Infinity`;
};

/** What a request is refused with; `undefined` if it may go on. Only an answer that says so lets it. */
export async function refusalOf(
  point: PolicyDecisionPoint,
  request: PolicyRequest,
  context?: PolicyContext,
): Promise<XlinkError | undefined> {
  let decision: PolicyDecision | undefined;
  try {
    decision = await answerOf(point, request, context);
  } catch (cause) {
    const isOwn = isXlinkError(cause) && cause.id.startsWith('POLICY_');
    return isOwn ? cause : xlinkError('POLICY_UNAVAILABLE', { cause });
  }
  const { effect, error } = decision ?? {};
  if (effect === 'allow') return undefined;
  if (effect !== 'deny')
    return xlinkError('POLICY_UNAVAILABLE', {
      cause: new TypeError('decide() has to answer with { effect: "allow" } or { effect: "deny" }.'),
    });
  if (error === undefined || isXlinkError(error)) return error ?? xlinkError('POLICY_DENIED');
  return xlinkError('POLICY_DENIED', { cause: error });
}

function answerOf(
  point: PolicyDecisionPoint,
  request: PolicyRequest,
  context: PolicyContext | undefined,
): Promise<PolicyDecision | undefined> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = point;
  const asked = Promise.resolve(point.decide(request, context));
  if (timeoutMs === Infinity) return asked;
  return within(timeoutMs, asked, () => new Error(`decide() did not answer within ${timeoutMs} ms.`));
}
