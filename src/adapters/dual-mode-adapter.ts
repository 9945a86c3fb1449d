import { toXlinkError, type XlinkError } from '../errors/service-errors.js';
import type { AdapterMetrics } from '../http/adoption-counter.js';
import { BodyIntake, defaultUnauthenticatedBytes } from '../http/body-intake.js';
import {
  type Auth,
  authenticationOf,
  type Decision,
  type Headers,
  type HttpResponse,
  type InboundRequest,
  type Outcome,
} from '../http/decision.js';
import { isPreflight } from '../http/preflight.js';
import type { Observer, XlinkEvent } from '../types/events.js';
import type { Mode } from '../types/mode.js';
import type { AuthenticationSpan } from '../types/ports.js';
import type { AgentMessage, Clock } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { callerAddress } from '../util/caller-address.js';
import { given } from '../util/given.js';
import { Answering, unsignedHead } from './answering.js';
import { type AuthSource, authBy } from './auth-store.js';
import { type AuthAttempt, Authenticator, factsOf } from './authenticator.js';
import { largestEnvelope } from './body-limits.js';
import { BrownoutAnswers } from './brownout-answers.js';
import { assertWithin, LimitedClients, type Taken } from './client-limits/client-limits.js';
import type { Clients } from './clients/clients.js';
import { createClients } from './create-clients.js';
import { createDocument } from './create-document.js';
import { Invitations } from './invitations/invitations.js';
import { joinedHeaders } from './joined-headers.js';
import { type KeyUse, keyUseOf } from './key-use/key-use.js';
import * as limits from './limits.js';
import { type InstanceOptions, ModeControl } from './mode-control.js';
import type { Brownout } from './modes/brownouts.js';
import type { ModeTarget } from './modes/policy.js';
import { assertSharedNonces, modesIn, warnOfUnsharedNonces } from './nonce-sharing-check.js';
import { Observers, tell } from './observers.js';
import { OperatedAdapter, type OperatedParts } from './operated-adapter.js';
import { MemoryOperationsStore } from './operations/memory-store.js';
import { checkDualModeOptions, type DualModeOptions } from './options.js';
import { Placement } from './placement.js';
import type { PublishedDocument } from './published-document.js';
import { RefusalPace } from './refusal-pace.js';
import { forClients, ownResponse, type RefusalStyle, refusal, refusalStyle } from './refusals.js';
import { RequestLog } from './request-log.js';
import { type EnvelopeTaking, enrollmentRules, envelopeRules, nonceQuota, REQUESTS } from './rules.js';
import { wantsSealedAnswer } from './sealed-answer.js';
import { setUpWarner } from './set-up-warnings.js';
import { traced } from './traced.js';
import { isOwnRoute, WellKnown } from './well-known.js';

/**
 * Lets callers of one API prove themselves with an API key or with an xLink envelope, and decides by mode which of the
 * two is taken. Knows no framework: the middleware translates. `Customer` is what `legacyKeyValidator` returns for a key
 * that is good, and is inferred from it.
 */
export class BaseDualModeAdapter<Customer extends object = object>
  extends OperatedAdapter
  implements AuthSource<Customer>
{
  /** @internal */
  protected readonly operated: OperatedParts;
  /** How it refuses, so that guards behind it refuse alike. */
  readonly refusalStyle: RefusalStyle;
  readonly #options: DualModeOptions;
  readonly #modes: ModeControl;
  readonly #clients: Clients | undefined;
  readonly #log: RequestLog;
  readonly #answering: Answering;
  readonly #authenticator: Authenticator;
  readonly #wellKnown: WellKnown;
  readonly #document: PublishedDocument;
  readonly #intake: BodyIntake<InboundRequest>;
  readonly #pace: RefusalPace;
  readonly #clock: Clock;
  readonly #observers: Observers;
  readonly #placement: Placement;
  readonly #keyUse: KeyUse | undefined;
  readonly #limits: LimitedClients | undefined;
  /** Not for one route of an agent, which has no others. */
  readonly #isForApis: boolean;

  /** Throws `INVALID_OPTION`, or `NONCE_STORE_NOT_SHARED` (see {@link DualModeOptions.instances}). */
  constructor(made: DualModeOptions<Customer>, { bodyTypes, kind }: EnvelopeTaking = REQUESTS) {
    super();
    const options = made as unknown as DualModeOptions; // only callers care what their validator returns
    checkDualModeOptions(options);
    assertSharedNonces(options, modesIn(options));
    this.refusalStyle = refusalStyle(options);
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#observers = new Observers(options.observers);
    this.#modes = new ModeControl(options, this.#clock, (event) => this.emit(event));
    this.#clients = createClients(options, this.#clock, (event) => this.emit(event));
    this.#answering = new Answering({
      agent: options.agent,
      refuse: (thrown, attempt) => this.#refuse(thrown, attempt),
    });
    const warn = setUpWarner(options.observers, (event) => this.emit(event));
    this.#placement = new Placement(options, warn);
    this.#isForApis = kind === 'request';
    const onError = (thrown: unknown) => this.emit({ type: 'fault', error: toXlinkError(thrown) });
    const addressOf = (request: InboundRequest) =>
      callerAddress(options.addressOf, request, { peer: request.remoteAddress, onError });
    const operations = options.operations ?? new MemoryOperationsStore();
    const service = () => options.agent.ready();
    const invitations = new Invitations({ store: operations, clock: this.#clock, service });
    const keyUse = keyUseOf(options, { store: operations, clock: this.#clock, addressOf, onFault: onError });
    this.#keyUse = keyUse;
    this.#log = new RequestLog(this.#clients, this.#observers, keyUse);
    const { clientLimits } = options;
    this.#limits = clientLimits && new LimitedClients(clientLimits, options.clientId, this.#clock, onError);
    this.operated = {
      options,
      clock: this.#clock,
      clients: this.#clients,
      modes: this.#modes,
      operations,
      invitations,
      keyUse,
    };
    const { maxUnauthenticatedBytes = defaultUnauthenticatedBytes(largestEnvelope(options)) } = options;
    const intake = new BodyIntake(maxUnauthenticatedBytes, addressOf);
    this.#intake = intake;
    this.#pace = new RefusalPace(options.refusalsPerSecond ?? limits.DEFAULT_REFUSALS_PER_SECOND, addressOf);
    const quota = nonceQuota(options, this.#clock);
    this.#authenticator = new Authenticator({
      agent: options.agent,
      validator: options.legacyKeyValidator,
      validatorTimeoutMs: options.validatorTimeoutMs ?? limits.DEFAULT_VALIDATOR_TIMEOUT_MS,
      sources: options.apiKey ?? {},
      bodyTypes,
      rules: envelopeRules(options, kind, intake, this.#placement),
      policy: this.#modes.policy,
      brownouts: this.#modes.brownouts,
      clients: this.#clients,
      quota,
      clock: this.#clock,
      emit: (event) => this.emit(event),
      onBadEnvelope: keyUse && ((client) => keyUse.badEnvelope(client)),
    });
    const published = { clock: this.#clock, addressOf, policy: this.#modes.policy };
    this.#document = createDocument(options, published, warn);
    this.#wellKnown = new WellKnown({
      agent: options.agent,
      clients: this.#clients,
      authenticator: this.#authenticator,
      intake,
      takesSignatures: options.signatures ?? false,
      quota,
      clock: this.#clock,
      rules: enrollmentRules(options),
      document: this.#document,
      invitations,
      brownouts: new BrownoutAnswers({
        brownouts: this.#modes.brownouts,
        clock: this.#clock,
        name: options.agent.name,
        deprecation: options.deprecation ?? {},
      }),
      emit: (event) => this.emit(event),
    });
    this.emit(this.#modes.present());
    options.agent.onKeyEpoch((status) => this.emit({ type: 'key-epoch', ...status }));
    warnOfUnsharedNonces(options, warn);
  }

  /** The mode of everything that has none of its own. */
  get mode(): Mode {
    return this.#modes.policy.global;
  }

  /**
   * Takes effect with the next request, in either direction. `target` sets the mode of one client or route instead.
   * Throws `INVALID_OPTION` for anything but a mode and a target, and `NONCE_STORE_NOT_SHARED` for `xlink-only` where
   * several processes keep their nonces to themselves. A mode for a client of whom nothing is known is set, and a `warning` event
   * (`CLIENT_UNKNOWN`) follows: the name may be misspelled. While a {@link SharedMode} runs, that of a client or route needs
   * `instanceOnly: true`: it is not shared.
   */
  setMode(mode: Mode, reason?: string, target: ModeTarget = {}): void {
    this.#modes.set(mode, reason, target);
    if (target.client !== undefined) void this.administration('setMode').warnIfUnknown(target.client);
  }

  /**
   * Lets a client or route follow the wider mode again. False if it had no mode of its own. Throws `INVALID_OPTION`, as `setMode`
   * does, also while a {@link SharedMode} runs, without `instanceOnly: true`.
   */
  clearMode(target: ModeTarget, reason?: string): boolean {
    return this.#modes.clear(target, reason);
  }

  /**
   * Refuses keys for some minutes while the mode is `deprecation`, once or as {@link brownoutSchedule} has it; announced in
   * `X-Xlink-Brownout`, on a page and as a calendar until then. Throws `INVALID_OPTION` for anything but two dates, and while a {@link SharedMode} runs, which does not share it, without `instanceOnly: true`.
   */
  scheduleBrownout(brownout: Brownout | readonly Brownout[], options: InstanceOptions = {}): void {
    this.#modes.schedule(brownout, options);
  }

  /** Said by a {@link SharedMode} when it starts: what it does not share is to be asked for by name. `probe` asks its store, for
   * {@link OperatedAdapter.health}. Returns how to end that. */
  shareMode(probe: () => unknown = () => {}): () => void {
    return this.#modes.share(probe);
  }

  /** Requests since the process started, those that are open included. */
  getMetrics(): AdapterMetrics {
    return this.#log.adoption;
  }

  /** Adds an observer to those of the options, beginning with a `mode` event that says the present mode. Returns how to stop it. */
  observe(observer: Observer): () => void {
    tell(observer, this.#modes.present());
    const { keyEpoch } = this.#options.agent;
    if (keyEpoch) tell(observer, { type: 'key-epoch', ...keyEpoch });
    return this.#observers.add(observer);
  }

  /** Whether there are observers: for nobody, no more is found out about a request than has to be. */
  get isObserved(): boolean {
    return this.#observers.isHeard;
  }

  /** Tells all observers. For parts that work beside the adapter, such as a {@link MigrationPlan}. */
  emit(event: XlinkEvent): void {
    this.#observers.emit(event);
  }

  /** Writes what was counted and not yet written. Call it before an orderly stop. */
  async close(): Promise<void> {
    this.#log.settle();
    await this.#clients?.parts.ledger.flush();
    await this.#keyUse?.flush();
  }

  /**
   * Authenticates one request. {@link BaseDualModeAdapter.recordOutcome} is to follow when its response is over; until then it counts as open.
   * Never throws: whatever goes wrong is a refusal.
   */
  async decide(inbound: InboundRequest): Promise<Decision> {
    return this.#judge(inbound);
  }

  #judge(inbound: InboundRequest): Awaitable<Decision> {
    if (isPreflight(inbound)) return { action: 'pass', headers: {} };
    const attempt: AuthAttempt = { mode: this.mode, method: 'none' };
    let request: InboundRequest;
    try {
      request = this.#asClientSaw(inbound);
      if (this.#isForApis) this.#placement.see(inbound);
      if (!this.#wellKnown.serves(request) && this.#options.skip?.(request))
        return { action: 'pass', headers: {} };
    } catch (thrown) {
      return forWhom(inbound, this.#refuse(thrown, { ...factsOf(attempt), durationMs: 0 }));
    }
    const { tracer } = this.#options;
    if (!tracer) return this.#decide(request, attempt);
    const { method } = request;
    const onFault = (error: XlinkError) => this.emit({ type: 'fault', error });
    return traced(tracer, { method }, (span) => this.#decideWithin(span, request, attempt), onFault);
  }

  /**
   * As {@link BaseDualModeAdapter.decide}, for the routes of the library itself: discovery, enrollment and its end, and the switch of a key. `undefined`
   * for everything else.
   */
  async decideOwnRoute(inbound: InboundRequest): Promise<Decision | undefined> {
    return this.#wellKnown.serves(this.#asClientSaw(inbound)) ? this.decide(inbound) : undefined;
  }

  /** Said by the middleware that answers these routes at the root, for an adapter that stands below a path. */
  servesRoot(): void {
    this.#placement.servesRoot();
  }

  /** The target that the client saw is found once; everything looks at that. */
  #asClientSaw(request: InboundRequest): InboundRequest {
    const { requestTarget } = this.#options;
    return requestTarget ? { ...request, target: requestTarget(request) } : request;
  }

  /**
   * How this adapter authenticated a request: `undefined` if it did not, also where another adapter did. Unlike
   * `req.auth`, only the adapter writes it.
   */
  authOf(request: object): Auth<Customer> | undefined {
    return authBy(request, this) as Auth<Customer> | undefined;
  }

  /**
   * Tells how a request ended, once its response is over. `route` is the template of the
   * route that served it; `aborted` says that the connection was gone before there was an answer.
   */
  recordOutcome({ outcome }: Decision, route: string | undefined, status: number, aborted = false): void {
    if (outcome) this.#log.over(outcome, { route, status, aborted });
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

  async #decide(request: InboundRequest, attempt: AuthAttempt, traceId?: string): Promise<Decision> {
    const started = performance.now();
    const trace = traceId === undefined ? {} : { traceId };
    const sent = this.#keyUse ? { sender: this.#keyUse.senderOf(request) } : {};
    const timed = () => ({
      ...factsOf(attempt),
      ...trace,
      ...(attempt.method === 'api-key' ? sent : {}),
      durationMs: performance.now() - started,
    });
    let limited: Taken | undefined;
    try {
      const sealingOf = (message: AgentMessage) => this.#answering.to(request, attempt, message, timed);
      if (this.#wellKnown.serves(request))
        return ownResponse(await this.#wellKnown.answer(request, attempt, sealingOf));
      const proof = await this.#authenticator.authenticate(request, attempt);
      this.#document.prove(request);
      const { auth, message } = proof;
      limited = await this.#limits?.take(auth, attempt.client);
      assertWithin(limited);
      const verified =
        auth.mode === 'xlink' ? { form: auth.form, version: auth.version, encrypted: auth.encrypted } : {};
      const own =
        attempt.mode === 'deprecation' && attempt.method === 'api-key'
          ? this.#modes.deprecation()
          : unsignedHead(request, attempt);
      const headers = limited ? joinedHeaders(own, limited.headers) : own;
      const sealing = message ? await sealingOf(message) : {};
      const outcome = this.#log.accepted({ ...timed(), ...verified });
      return { ...proof, ...sealing, action: 'pass', headers, outcome };
    } catch (thrown) {
      const refused = this.#refuse(thrown, timed(), limited?.headers);
      if (refused.outcome) await this.#pace.hold(request, refused.outcome);
      const answer = await this.#answering.refusal(request, attempt, refused, timed);
      return forWhom(request, answer);
    } finally {
      this.#intake.release(request);
    }
  }

  #refuse(thrown: unknown, attempt: Omit<Outcome, 'error'>, more: Headers = {}): HttpResponse {
    const error = toXlinkError(thrown);
    if (error.status >= 500 || error.cause !== undefined)
      this.emit({ type: 'fault', error, ...given({ traceId: attempt.traceId }) });
    const brownout = error.id === 'API_KEY_BROWNOUT' ? this.#modes.brownoutHeaders() : {};
    return refusal(error, attempt, this.refusalStyle, joinedHeaders(brownout, more));
  }
}

/** Clients of this library decide by problem documents; all others may be answered by the API itself. */
const forWhom = (request: InboundRequest, answer: HttpResponse): HttpResponse =>
  wantsSealedAnswer(request) || isOwnRoute(request) ? forClients(answer) : answer;
