import { toXlinkError } from '../errors/service-errors.js';
import type { AdapterMetrics } from '../http/adoption-counter.js';
import { BodyIntake, defaultUnauthenticatedBytes } from '../http/body-intake.js';
import type { Auth, Decision, InboundRequest } from '../http/decision.js';
import { isPreflight } from '../http/preflight.js';
import type { Observer, PolicyEvent, XlinkEvent } from '../types/events.js';
import type { Mode } from '../types/mode.js';
import type { PolicyDecisionPoint } from '../types/policy.js';
import type { Clock, Scope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { callerAddress } from '../util/caller-address.js';
import { isDecision, isText, promptAnswer } from '../util/prompt-answer.js';
import { tell } from '../util/tell.js';
import { type Auditor, auditorOf } from './auditing.js';
import { type AuthSource, authBy } from './auth-store.js';
import { type AuthAttempt, Authenticator } from './authenticator.js';
import { largestEnvelope } from './body-limits.js';
import { BrownoutAnswers } from './brownout-answers.js';
import { checkDualModeOptions } from './check-options.js';
import { LimitedClients } from './client-limits/client-limits.js';
import type { Clients } from './clients/clients.js';
import { createClients } from './create-clients.js';
import { createDocument } from './create-document.js';
import { Decider } from './decider.js';
import { Invitations } from './invitations/invitations.js';
import { keyUseOf } from './key-use/key-use.js';
import * as limits from './limits.js';
import { type InstanceOptions, ModeControl, type ModeSharer } from './mode-control.js';
import type { Brownout } from './modes/brownouts.js';
import type { ModeTarget } from './modes/policy.js';
import { assertSharedNonces, modesIn, warnOfUnsharedNonces } from './nonce-sharing-check.js';
import { Observers } from './observers.js';
import { OperatedAdapter, type OperatedParts } from './operated-adapter.js';
import { MemoryOperationsStore } from './operations/memory-store.js';
import type { DualModeOptions } from './options.js';
import { Placement } from './placement.js';
import { PolicyCheck } from './policy-check.js';
import { PublishedKeyDirectory } from './published-key-directory.js';
import { RefusalPace } from './refusal-pace.js';
import { type RefusalStyle, refusalStyle } from './refusals.js';
import { RequestLog } from './request-log.js';
import { type EnvelopeTaking, enrollmentRules, envelopeRules, nonceQuota, REQUESTS } from './rules.js';
import { createSessions, handshakesPerMinute } from './sessions-option.js';
import { setUpWarner } from './set-up-warnings.js';
import { WellKnown } from './well-known.js';

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
  /** Scopes that no request of a session may use, for guards behind it. @internal */
  readonly neverInSessions: ReadonlySet<Scope> | undefined;
  readonly #options: DualModeOptions;
  readonly #modes: ModeControl;
  readonly #clients: Clients | undefined;
  readonly #log: RequestLog;
  readonly #decider: Decider;
  readonly #wellKnown: WellKnown;
  readonly #clock: Clock;
  readonly #observers: Observers;
  readonly #auditor: Auditor | undefined;
  readonly #placement: Placement;
  readonly #policy: PolicyDecisionPoint | undefined;
  #policyInForce: PolicyEvent | undefined;
  /** Not for one route of an agent, which has no others. */
  readonly #isForApis: boolean;

  /** Throws `INVALID_OPTION`, or `NONCE_STORE_NOT_SHARED` (see {@link DualModeOptions.instances}). */
  constructor(made: DualModeOptions<Customer>, taking: EnvelopeTaking = REQUESTS) {
    super();
    const { bodyTypes, kind } = taking;
    const options = made as unknown as DualModeOptions; // only callers care what their validator returns
    checkDualModeOptions(options);
    assertSharedNonces(options, modesIn(options));
    this.refusalStyle = refusalStyle(options);
    this.#options = options;
    this.#policy = options.policy ?? (kind === 'request' ? options.agent.policy : undefined);
    this.#clock = options.clock ?? Date.now;
    this.#observers = new Observers(options.observers);
    this.#auditor = auditorOf(options, (error) => this.emit({ type: 'fault', error }));
    if (this.#auditor) this.#observers.add(this.#auditor.observe);
    this.#modes = new ModeControl(options, this.#clock, (event) => this.emit(event));
    this.#clients = createClients(options, this.#clock, (event) => this.emit(event));
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
    this.#log = new RequestLog(this.#clients, this.#observers, keyUse);
    this.operated = {
      options,
      clock: this.#clock,
      clients: this.#clients,
      modes: this.#modes,
      operations,
      invitations,
      keyUse,
      auditor: this.#auditor,
      warn,
    };
    const { clientLimits } = options;
    const { maxUnauthenticatedBytes = defaultUnauthenticatedBytes(largestEnvelope(options)) } = options;
    const intake = new BodyIntake(maxUnauthenticatedBytes, addressOf);
    const pace = new RefusalPace(options.refusalsPerSecond ?? limits.DEFAULT_REFUSALS_PER_SECOND, addressOf);
    const quota = nonceQuota(options, this.#clock);
    const sessions = createSessions(options, this.#clock, this.#auditor?.checkpoint);
    this.neverInSessions = sessions?.rules.never;
    const authenticator = new Authenticator({
      agent: options.agent,
      validator: options.legacyKeyValidator,
      validatorTimeoutMs: options.validatorTimeoutMs ?? limits.DEFAULT_VALIDATOR_TIMEOUT_MS,
      sources: options.apiKey ?? {},
      bodyTypes,
      rules: envelopeRules(options, taking, intake, this.#placement),
      policy: this.#modes.policy,
      brownouts: this.#modes.brownouts,
      clients: this.#clients,
      quota,
      sessions,
      clock: this.#clock,
      emit: (event) => this.emit(event),
      onBadEnvelope: keyUse && ((client, reason) => keyUse.badEnvelope(client, reason)),
    });
    const published = { clock: this.#clock, addressOf, policy: this.#modes.policy };
    const document = createDocument(
      { ...options, sessions: this.#isForApis && (options.sessions ?? false) },
      published,
      warn,
    );
    this.#wellKnown = new WellKnown({
      agent: options.agent,
      clients: this.#clients,
      authenticator,
      intake,
      takesSignatures: options.signatures ?? false,
      quota,
      sessions,
      opensHere: !this.#isForApis,
      handshakesPerMinute: handshakesPerMinute(options),
      clock: this.#clock,
      rules: enrollmentRules(options),
      document,
      keyDirectory: options.keyDirectory
        ? new PublishedKeyDirectory(options.agent, options.hosts!, this.#clock)
        : undefined,
      invitations,
      verifiers: options.enrollment ?? [],
      brownouts: new BrownoutAnswers({
        brownouts: this.#modes.brownouts,
        clock: this.#clock,
        name: options.agent.name,
        deprecation: options.deprecation ?? {},
      }),
      emit: (event) => this.emit(event),
    });
    this.#decider = new Decider({
      agent: options.agent,
      authenticator,
      wellKnown: this.#wellKnown,
      document,
      modes: this.#modes,
      log: this.#log,
      pace,
      intake,
      style: this.refusalStyle,
      tracer: options.tracer,
      keyUse,
      auditor: this.#auditor,
      limits: clientLimits && new LimitedClients(clientLimits, options.clientId, this.#clock, onError),
      policy:
        this.#policy &&
        new PolicyCheck({
          policy: this.#policy,
          amountOf: options.amountOf,
          clientId: options.clientId,
          clock: this.#clock,
          emit: (event) => this.emit(event),
        }),
      emit: (event) => this.emit(event),
    });
    this.emit(this.#modes.present());
    this.#policy?.onEvent?.((event) => {
      if (event.type === 'policy') this.#policyInForce = event;
      this.emit(event);
    });
    options.agent.onKeyEpoch((status) => this.emit({ type: 'key-epoch', ...status }));
    warnOfUnsharedNonces(options, warn);
  }

  /** For what enrolls beside it. @internal */
  get parts(): Pick<DualModeOptions, 'agent' | 'clients' | 'clock'> {
    return this.#options;
  }

  /** The mode of everything that has none of its own. */
  get mode(): Mode {
    return this.#modes.policy.global;
  }

  /**
   * Since when that mode is in force, in ms since 1970: where a {@link SharedMode} runs, since it was set on whatever instance,
   * before a restart, too. Without one, since it was set in this process; `undefined`: it began in it.
   */
  get modeSince(): number | undefined {
    return this.#modes.since;
  }

  /** The mode that counts for one client or route: its own, or else the wider one. Throws `INVALID_OPTION`. */
  modeOf(target: ModeTarget): Mode {
    return this.#modes.of(target);
  }

  /** Brownouts that are announced or running, the first first. */
  get brownouts(): readonly Brownout[] {
    return this.#modes.brownouts.upcoming(this.#clock());
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

  /**
   * Said by a {@link SharedMode} when it starts: what it does not share is to be asked for by name, and since when a mode is in
   * force is asked of it. Returns how to end that.
   */
  shareMode(sharer: ModeSharer): () => void {
    return this.#modes.share(sharer);
  }

  /** Whether a {@link SharedMode} runs: it shares the mode of everything, and nothing else. */
  get isModeShared(): boolean {
    return this.#modes.isShared;
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
    if (this.#policyInForce) tell(observer, this.#policyInForce);
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

  /** Writes what was counted or is for the audit log, and not yet written. Call it before an orderly stop. */
  async close(): Promise<void> {
    this.#log.settle();
    await this.#clients?.parts.ledger.flush();
    await this.operated.keyUse?.flush();
    await this.#auditor?.settled();
  }

  /**
   * Authenticates one request. {@link BaseDualModeAdapter.recordOutcome} is to follow when its response is over; until then it counts as open.
   * Never throws: whatever goes wrong is a refusal.
   */
  async decide(inbound: InboundRequest): Promise<Decision> {
    return this.judge(inbound);
  }

  /** As {@link BaseDualModeAdapter.decide}, and at once where the validator of keys answers at once: a handler behind it notices no turn. */
  judge(inbound: InboundRequest): Awaitable<Decision> {
    if (isPreflight(inbound)) return { action: 'pass', headers: {} };
    const attempt: AuthAttempt = { mode: this.mode, method: 'none' };
    let request: InboundRequest;
    try {
      request = this.#asClientSaw(inbound);
      if (this.#isForApis) this.#placement.see(inbound);
      if (!this.#wellKnown.serves(request) && this.#skips(request)) return { action: 'pass', headers: {} };
    } catch (thrown) {
      return this.#decider.refuseUnseen(inbound, attempt, thrown);
    }
    return this.#decider.decide(request, attempt);
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

  /**
   * The target that the client saw is found once; everything looks at that. Callers find the routes of the library at the root of
   * the origin, whatever prefix a proxy cuts off for everything else.
   */
  #asClientSaw(request: InboundRequest): InboundRequest {
    const { requestTarget } = this.#options;
    if (!requestTarget) return request;
    const target = promptAnswer('requestTarget', requestTarget(request), isText, 'a path and query');
    const seen = { ...request, target };
    return this.#wellKnown.serves(request) && !this.#wellKnown.serves(seen) ? request : seen;
  }

  #skips(request: InboundRequest): boolean {
    const { skip } = this.#options;
    return skip !== undefined && promptAnswer('skip', skip(request), isDecision, 'true or false') === true;
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
}
