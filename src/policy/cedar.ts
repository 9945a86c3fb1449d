import { xlinkError } from '../errors/service-errors.js';
import { pathOf, readingsOf } from '../http/path-readings.js';
import type { PolicyDecision, PolicyDecisionPoint, PolicyRequest } from '../types/policy.js';
import { given } from '../util/given.js';
import { checkOptions, isFunction, isString, requireOption } from '../util/options.js';

/** An entity of Cedar. */
export interface CedarEntity {
  /** Its type, such as `Xlink::Identity`. */
  readonly type: string;
  /** Its id. */
  readonly id: string;
}

/** A question to Cedar, as `isAuthorized` of `@cedar-policy/cedar-wasm` 4 takes it. */
export interface CedarCall {
  /** Who asks. */
  readonly principal: CedarEntity;
  /** What is to be done. */
  readonly action: CedarEntity;
  /** What it is done to. */
  readonly resource: CedarEntity;
  /** What else policies may ask about. */
  readonly context: Readonly<Record<string, unknown>>;
  /** The policies, as text. */
  readonly policies: { readonly staticPolicies: string };
  /** Entities that policies refer to. */
  readonly entities: readonly object[];
}

/** What Cedar answers. */
export type CedarAnswer =
  | {
      readonly type: 'success';
      readonly response: {
        readonly decision: 'allow' | 'deny';
        readonly diagnostics?: { readonly errors?: readonly unknown[] };
      };
    }
  | { readonly type: 'failure'; readonly errors?: readonly unknown[] };

/** Options of {@link CedarDecisionPoint}. */
export interface CedarOptions {
  /** `isAuthorized` of `@cedar-policy/cedar-wasm`. */
  readonly isAuthorized: (call: CedarCall) => CedarAnswer;
  /** The policies, in Cedar's language. */
  readonly policies: string;
  /** Namespace of the entities. Default `Xlink`. */
  readonly namespace?: string;
  /** Entities that policies refer to, such as groups. Default none. */
  readonly entities?: (request: PolicyRequest) => readonly object[];
}

/**
 * Asks Cedar. Each request is asked for each of its scopes, all of which have to be allowed: the principal is `Xlink::Identity` (a DID) or
 * `Xlink::Client`, the action `Xlink::Action` is the scope, the resource `Xlink::Route` is method and path in lower case, for each method and path that
 * it may turn out to be for behind the adapter. An amount that is not known is `Number.MAX_SAFE_INTEGER`. Cedar decides; it does not count, ask for approval, or write anything down. A policy that fails to evaluate refuses (`POLICY_UNAVAILABLE`).
 */
export class CedarDecisionPoint implements PolicyDecisionPoint {
  readonly #options: CedarOptions;

  /** Throws `INVALID_OPTION`. */
  constructor(options: CedarOptions) {
    checkOptions('CedarDecisionPoint', options, {
      isAuthorized: isFunction,
      policies: isString,
      namespace: isString,
      entities: isFunction,
    });
    for (const name of ['isAuthorized', 'policies']) requireOption('CedarDecisionPoint', options, name);
    this.#options = options;
  }

  /** Throws `POLICY_UNAVAILABLE` where Cedar has no answer. */
  decide(request: PolicyRequest): PolicyDecision {
    const scopes = request.scopes.length > 0 ? request.scopes : [''];
    if ((request.overrides?.length ?? 0) > MAX_OVERRIDES) return { effect: 'deny' };
    const routes = routesOf(request);
    const isAllowed = scopes.every((scope) => routes.every((route) => this.#allows(request, scope, route)));
    return { effect: isAllowed ? 'allow' : 'deny' };
  }

  #allows(request: PolicyRequest, scope: string, route: string): boolean {
    const { isAuthorized, policies, namespace = 'Xlink', entities } = this.#options;
    const { from, client, proof, at, amount, mutualTrust } = request;
    const answer = isAuthorized({
      principal:
        from === undefined
          ? { type: `${namespace}::Client`, id: client ?? '' }
          : { type: `${namespace}::Identity`, id: from },
      action: { type: `${namespace}::Action`, id: scope },
      resource: { type: `${namespace}::Route`, id: route },
      // Cedar has whole numbers only.
      context: { proof, at, mutualTrust, ...given({ client, amount: wholeOf(amount) }) },
      policies: { staticPolicies: policies },
      entities: entities?.(request) ?? [],
    });
    const errors = answer.type === 'failure' ? (answer.errors ?? []) : answer.response.diagnostics?.errors;
    if (answer.type === 'failure' || (errors?.length ?? 0) > 0)
      throw xlinkError('POLICY_UNAVAILABLE', { cause: new Error('Cedar could not evaluate its policies.') });
    return answer.response.decision === 'allow';
  }
}

/** No honest request names more methods than that. */
const MAX_OVERRIDES = 4;

/** Every route that it may turn out to be for, behind the adapter. */
function routesOf({ method = 'MESSAGE', target = '/', overrides = [] }: PolicyRequest): readonly string[] {
  const paths = readingsOf(pathOf(target));
  return [...new Set([method, ...overrides])].flatMap((one) => paths.map((path) => `${one} ${path}`));
}

/** What is not known counts as more than any limit. */
function wholeOf(amount: PolicyRequest['amount']): number | undefined {
  if (amount === undefined) return undefined;
  return typeof amount === 'number' && Number.isFinite(amount) ? Math.ceil(amount) : Number.MAX_SAFE_INTEGER;
}
