import type { XlinkError } from '../errors/errors.js';
import type { Awaitable } from '../util/awaitable.js';
import type { PolicyDecisionEvent, PolicyEvent } from './events.js';
import type { ClientId, Did, Scope } from './protocol.js';

/** What a policy is asked about: one request to an API, or one message to an agent, whose sender is known. Holds no payload. */
export interface PolicyRequest {
  /** What proves the sender: an envelope, a session, a signature by RFC 9421, or an API key. */
  readonly proof: 'envelope' | 'session' | 'signature' | 'api-key';
  /** Who signed it. Absent with a key. */
  readonly from?: Did;
  /** Whose request it is, where that is known. */
  readonly client?: ClientId;
  /** The scopes that it may use; `*` is any. With a key those that its validator lists; empty: none. */
  readonly scopes: readonly Scope[];
  /** HTTP method. Absent for messages. */
  readonly method?: string;
  /** Methods that middleware behind may give it in the place of its own, in capitals. Absent: none is named. */
  readonly overrides?: readonly string[];
  /** Path and query as the client sent them. Absent for messages. */
  readonly target?: string;
  /** When it is judged, in ms since 1970. */
  readonly at: number;
  /** How much it is about; `unknown`: there is content, and it does not say. Absent: it is about no amount. */
  readonly amount?: number | 'unknown';
  /** `envelopeId` of what proves it: no other request has it. Absent with a key. */
  readonly id?: string;
  /** SHA-256 of its content, base64url, where that was seen or is signed. */
  readonly contentDigest?: string;
  /** Whether either side has the other in its trust registry, as far as this one can tell. */
  readonly mutualTrust: boolean;
}

/** What a policy is told beside the request. */
export interface PolicyContext {
  /** Aborted when nobody waits for the decision any longer. Absent where that cannot be told. */
  readonly signal?: AbortSignal;
}

/** What a policy says of a request. */
export interface PolicyDecision {
  /** Whether it may go on. */
  readonly effect: 'allow' | 'deny';
  /** What the request is refused with. Default `POLICY_DENIED`. */
  readonly error?: XlinkError;
}

/**
 * Decides whether a request may go on, once its sender is known and before anything is done. {@link PolicyEngine} is one;
 * {@link CedarDecisionPoint} asks another program. What it throws refuses the request, and so does an answer that is neither `allow` nor `deny`, and
 * none in time (`POLICY_UNAVAILABLE`).
 */
export interface PolicyDecisionPoint {
  /** Called once for each request. */
  decide(request: PolicyRequest, context?: PolicyContext): Awaitable<PolicyDecision>;
  /** How long `decide` may take, in ms, from 1; `Infinity`: it has limits of its own, as {@link PolicyEngine} has. Default 5000. */
  readonly timeoutMs?: number;
  /**
   * Calls the listener with what happens to the policy, until the returned function is called. Default: an adapter tells observers what
   * it refuses, as `policy-decision` with the revision 0.
   */
  onEvent?(listener: (event: PolicyEvent | PolicyDecisionEvent) => void): () => void;
}
