import type { ServiceAgent } from '../agent/service-agent.js';
import { toXlinkError, type XlinkError } from '../errors/service-errors.js';
import type { BodyIntake } from '../http/body-intake.js';
import {
  authenticationOf,
  type Decision,
  type Headers,
  type HttpResponse,
  type InboundRequest,
  type Outcome,
  type Sealing,
  type XlinkAuth,
} from '../http/decision.js';
import type { XlinkEvent } from '../types/events.js';
import type { AuthenticationSpan, Tracer } from '../types/ports.js';
import type { AgentMessage } from '../types/protocol.js';
import { type Awaitable, isPromiseLike } from '../util/awaitable.js';
import { given } from '../util/given.js';
import { Answering, unsignedHead } from './answering.js';
import type { Auditor } from './auditing.js';
import { type AuthAttempt, type Authenticator, factsOf, offeredBy, type Proof } from './authenticator.js';
import { assertWithin, type LimitedClients, type Taken } from './client-limits/client-limits.js';
import { exposed, joinedHeaders } from './joined-headers.js';
import type { KeyUse } from './key-use/key-use.js';
import type { ModeControl } from './mode-control.js';
import type { PolicyCheck } from './policy-check.js';
import type { PublishedDocument } from './published-document.js';
import type { RefusalPace } from './refusal-pace.js';
import { forClients, ownResponse, type RefusalStyle, refusal } from './refusals.js';
import type { RequestLog } from './request-log.js';
import { wantsSealedAnswer } from './sealed-answer.js';
import { traced } from './traced.js';
import { isOwnRoute, type WellKnown } from './well-known.js';

export interface DeciderParts {
  readonly agent: ServiceAgent;
  readonly authenticator: Authenticator;
  readonly wellKnown: WellKnown;
  readonly document: PublishedDocument;
  readonly modes: ModeControl;
  readonly log: RequestLog;
  readonly pace: RefusalPace;
  readonly intake: BodyIntake<InboundRequest>;
  readonly style: RefusalStyle;
  readonly tracer: Tracer | undefined;
  /** Where it is kept which programs send keys. */
  readonly keyUse: KeyUse | undefined;
  /** Where clients have limits. */
  readonly limits: LimitedClients | undefined;
  /** Where a policy has to allow requests. */
  readonly policy: PolicyCheck | undefined;
  /** Where an audit log is written. */
  readonly auditor: Auditor | undefined;
  readonly emit: (event: XlinkEvent) => void;
}

/** What is known of an attempt by now, for what is told of it. */
type Timed = () => Omit<Outcome, 'error'>;

/** Makes a decision of what is found out about a request. Never throws: whatever goes wrong is a refusal. */
export class Decider {
  readonly #parts: DeciderParts;
  readonly #answering: Answering;

  constructor(parts: DeciderParts) {
    this.#parts = parts;
    const refuse = (thrown: unknown, attempt: Outcome) => this.#refuse(thrown, attempt);
    this.#answering = new Answering({ agent: parts.agent, refuse });
  }

  /** At once where the request comes by a key whose validator answers at once. */
  decide(request: InboundRequest, attempt: AuthAttempt): Awaitable<Decision> {
    const { tracer, emit } = this.#parts;
    if (!tracer) return this.#decide(request, attempt);
    const { method } = request;
    const onFault = (error: XlinkError) => emit({ type: 'fault', error });
    return traced(tracer, { method }, (span) => this.#decideWithin(span, request, attempt), onFault);
  }

  /** The refusal of a request of which nothing was looked at. */
  refuseUnseen(request: InboundRequest, attempt: AuthAttempt, thrown: unknown): Decision {
    return forWhom(request, this.#refuse(thrown, { ...factsOf(attempt), durationMs: 0 }));
  }

  async #decideWithin(
    span: AuthenticationSpan | undefined,
    request: InboundRequest,
    attempt: AuthAttempt,
  ): Promise<Decision> {
    const decision = await this.#decide(request, attempt, span?.traceId);
    const { outcome } = decision;
    const status = decision.action === 'answer' ? { status: decision.status } : {};
    if (outcome) span?.end({ ...authenticationOf(outcome), ...status });
    else span?.end({ ...factsOf(attempt), outcome: 'accepted', reason: 'ok', ...status });
    return decision;
  }

  #decide(request: InboundRequest, attempt: AuthAttempt, traceId?: string): Awaitable<Decision> {
    const started = performance.now();
    const timed = () => {
      const facts = { ...factsOf(attempt), durationMs: performance.now() - started };
      const sender = attempt.method === 'api-key' ? keyUse?.senderOf(request) : undefined;
      const sent = sender ? { ...facts, sender } : facts;
      return traceId === undefined ? sent : { ...sent, traceId };
    };
    const { wellKnown, authenticator, keyUse, limits, policy, auditor } = this.#parts;
    try {
      if (wellKnown.serves(request)) return this.#answerOwn(request, attempt, timed);
      const proof = authenticator.authenticate(request, attempt);
      return limits || policy || auditor || isPromiseLike(proof)
        ? this.#decideLater(request, attempt, proof, timed)
        : this.#decideNow(request, attempt, proof, timed);
    } catch (thrown) {
      return this.#refused(request, attempt, thrown, timed).finally(() =>
        this.#parts.intake.release(request),
      );
    }
  }

  #decideNow(request: InboundRequest, attempt: AuthAttempt, proof: Proof, timed: Timed): Awaitable<Decision> {
    const { message } = proof;
    if (!message) return this.#pass(request, attempt, proof, timed);
    const sealing = this.#answering.to(request, attempt, message, timed);
    if (isPromiseLike(sealing)) return this.#decideLater(request, attempt, proof, timed, sealing);
    this.#parts.intake.release(request);
    return this.#pass(request, attempt, proof, timed, sealing);
  }

  async #decideLater(
    request: InboundRequest,
    attempt: AuthAttempt,
    proving: Awaitable<Proof>,
    timed: Timed,
    begun?: Awaitable<Sealing>,
  ): Promise<Decision> {
    let limited: Taken | undefined;
    try {
      const proof = await proving;
      const { message, auth } = proof;
      const { limits, policy, auditor } = this.#parts;
      if (limits) limited = await limits.take(auth, attempt.client);
      assertWithin(limited);
      if (policy) await policy.assertAllowed(request, attempt, proof);
      if (auditor) await auditor.accepted(request, attempt, proof.fields);
      const sealing = message && (await (begun ?? this.#answering.to(request, attempt, message, timed)));
      return this.#pass(request, attempt, proof, timed, sealing, limited?.headers);
    } catch (thrown) {
      return await this.#refused(request, attempt, thrown, timed, limited?.headers);
    } finally {
      this.#parts.intake.release(request);
    }
  }

  #pass(
    request: InboundRequest,
    attempt: AuthAttempt,
    proof: Proof,
    timed: Timed,
    sealing?: Sealing,
    limited?: Headers,
  ): Decision {
    const { document, modes, log } = this.#parts;
    document.prove(request);
    const { auth } = proof;
    const own =
      attempt.mode === 'deprecation' && attempt.method === 'api-key'
        ? modes.deprecation()
        : unsignedHead(request, attempt);
    const headers = limited ? joinedHeaders(own, limited) : own;
    const outcome = log.accepted(auth.mode === 'xlink' ? verified(timed(), auth) : timed());
    const pass = { ...proof, action: 'pass' as const, headers, outcome };
    return sealing?.sealing ? { ...pass, ...sealing } : pass;
  }

  async #answerOwn(request: InboundRequest, attempt: AuthAttempt, timed: Timed): Promise<Decision> {
    const { wellKnown, intake, auditor } = this.#parts;
    try {
      const sealingOf = (message: AgentMessage) => this.#answering.to(request, attempt, message, timed);
      const answer = await wellKnown.answer(request, attempt, sealingOf);
      if (attempt.did !== undefined || attempt.client !== undefined)
        await auditor?.accepted(request, attempt);
      return ownResponse(answer);
    } catch (thrown) {
      return await this.#refused(request, attempt, thrown, timed);
    } finally {
      intake.release(request);
    }
  }

  async #refused(
    request: InboundRequest,
    attempt: AuthAttempt,
    thrown: unknown,
    timed: Timed,
    more?: Headers,
  ): Promise<Decision> {
    const refused = this.#refuse(thrown, { ...timed(), ...offeredBy(attempt) }, more);
    this.#parts.auditor?.refused(request, attempt, toXlinkError(thrown));
    if (refused.outcome) await this.#parts.pace.hold(request, refused.outcome);
    return forWhom(request, await this.#answering.refusal(request, attempt, refused, timed));
  }

  #refuse(thrown: unknown, attempt: Omit<Outcome, 'error'>, more: Headers = {}): HttpResponse {
    const { emit, modes, style } = this.#parts;
    const error = toXlinkError(thrown);
    if (error.status >= 500 || error.cause !== undefined)
      emit({ type: 'fault', error, ...given({ traceId: attempt.traceId }) });
    const brownout = error.id === 'API_KEY_BROWNOUT' ? exposed(modes.brownoutHeaders()) : {};
    return refusal(error, attempt, style, joinedHeaders(brownout, more));
  }
}

const verified = (outcome: Outcome, { form, version, encrypted }: XlinkAuth): Outcome => ({
  ...outcome,
  form,
  version,
  encrypted,
});

/** Clients of this library decide by problem documents; all others may be answered by the API itself. */
const forWhom = (request: InboundRequest, answer: HttpResponse): HttpResponse =>
  wantsSealedAnswer(request) || isOwnRoute(request) ? forClients(answer) : answer;
