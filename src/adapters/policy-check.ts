import { defaultProvider } from '#provider';
import { refusalOf } from '../checks/ask-policy.js';
import { isXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import { mustBeRemoved } from '../http/covered-fields.js';
import type { ApiKeyAuth, InboundRequest } from '../http/decision.js';
import { overridesOf } from '../http/method-overrides.js';
import type { PolicyDecisionEvent } from '../types/events.js';
import type { PolicyDecisionPoint, PolicyRequest } from '../types/policy.js';
import type { ClientId, Clock, Scope } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import { payloadAmount } from '../util/payload-amount.js';
import type { AmountOf } from './amount-of.js';
import type { AuthAttempt, Proof } from './authenticator.js';
import { defaultClientId } from './clients/clients.js';

interface PolicyCheckParts {
  readonly policy: PolicyDecisionPoint;
  readonly amountOf: AmountOf | undefined;
  readonly clientId: ((auth: ApiKeyAuth) => ClientId | undefined) | undefined;
  readonly clock: Clock;
  readonly emit: (event: PolicyDecisionEvent) => void;
}

/** Asks a policy about requests whose sender is known. */
export class PolicyCheck {
  readonly #parts: PolicyCheckParts;

  constructor(parts: PolicyCheckParts) {
    this.#parts = parts;
  }

  /** Throws what the policy refuses with, and `POLICY_UNAVAILABLE` where it does not decide. */
  async assertAllowed(request: InboundRequest, attempt: AuthAttempt, proof: Proof): Promise<void> {
    const facts = await this.#factsOf(request, attempt, proof).catch((cause) => {
      throw isXlinkError(cause) ? cause : xlinkError('POLICY_UNAVAILABLE', { cause });
    });
    const leaving = new AbortController();
    const forget = request.whenGone?.(() => leaving.abort());
    const error = await refusalOf(this.#parts.policy, facts, { signal: leaving.signal }).finally(forget);
    if (!error) return;
    this.#tell(error, facts);
    const { auth } = proof;
    const isInSession = auth.mode === 'xlink' && auth.form === 'session';
    // Clients know that answer, and send an envelope in its place.
    throw isInSession && error.id === 'POLICY_UNMET:SIGNATURE_NOW'
      ? xlinkError('SESSION_NOT_ALLOWED')
      : error;
  }

  /** What tells nothing itself. */
  #tell({ id }: XlinkError, { from, client }: PolicyRequest): void {
    const { policy, emit } = this.#parts;
    if (policy.onEvent) return;
    emit({
      type: 'policy-decision',
      outcome: 'refused',
      reason: id,
      revision: 0,
      ...given({ did: from, client }),
    });
  }

  async #factsOf(request: InboundRequest, attempt: AuthAttempt, proof: Proof): Promise<PolicyRequest> {
    const { amountOf = amountIn, clientId = defaultClientId, clock } = this.#parts;
    const { auth, message, content } = proof;
    const { method, target } = request;
    const overrides = overridesOf({ method, target, header: headerOf(request, proof) });
    const common = {
      method,
      target,
      ...(overrides.length > 0 ? { overrides } : {}),
      at: clock(),
      ...given({ amount: amountOf(request, message?.payload) }),
    };
    if (auth.mode === 'api-key') {
      const client = attempt.client ?? clientId(auth);
      return {
        ...common,
        proof: 'api-key',
        scopes: scopesOf(auth),
        mutualTrust: false,
        ...given({ client }),
      };
    }
    const contentDigest = content
      ? encodeBase64url(await defaultProvider().sha256(content.bytes))
      : message?.contentDigest;
    return {
      ...common,
      proof: auth.form,
      from: auth.did,
      id: auth.envelopeId,
      scopes: auth.scopes,
      mutualTrust: true,
      ...given({ client: attempt.client, contentDigest }),
    };
  }
}

/** A header as the handler will see it: what was sealed, else what came and is not taken away. */
const headerOf =
  (request: InboundRequest, { fields }: Proof) =>
  (name: string): string | undefined => {
    if (!fields) return request.header(name);
    const sealed = fields.values.find(([one]) => one === name)?.[1];
    return sealed ?? (mustBeRemoved(name, fields.names) ? undefined : request.header(name));
  };

const scopesOf = ({ scopes }: ApiKeyAuth): readonly Scope[] =>
  Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : [];

/** The member `amount` of a JSON body that was sealed; that of any other body is not read before its handler does. */
function amountIn({ hasBody }: InboundRequest, payload: unknown): number | 'unknown' | undefined {
  if (payload === undefined) return hasBody ? 'unknown' : undefined;
  return payloadAmount(payload);
}
