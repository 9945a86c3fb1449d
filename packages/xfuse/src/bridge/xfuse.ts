import { XfuseError } from '../errors.js';
import { checkNames, checkValue, invalidOption, isFunction } from '../util/options.js';
import { ErrorBudget } from './budget.js';
import { capture } from './capture.js';
import { compareRules } from './compare.js';
import type { Comparison } from './comparison.js';
import { type BridgeEvent, type BridgeObserver, type Side, tellAll } from './events.js';
import { needsCallers, setGuard, unchecked } from './guard.js';
import { Mirror } from './mirror.js';
import { checkBridgeOptions, type XfuseOptions } from './options.js';
import { type BridgeRequest, type BridgeRequestInit, bridgeRequest } from './request.js';
import { type SendRequest, type SendResult, sendBy } from './send.js';
import { ShadowCounts, type ShadowReport } from './shadow-report.js';
import { type Answer, isOfForm, Sides } from './sides.js';
import { type BridgeStatus, StatusCounts, type StepBack } from './status.js';
import { placeOf, stepBelow } from './traffic.js';

/** Shares of the traffic, 0 to 1, which together make 1. */
export interface TrafficRatio {
  /** The modern side. */
  readonly aci: number;
  /** The legacy side. Default: the rest. */
  readonly api?: number;
}

/**
 * A bridge between an API with keys and its successor behind an adapter of xLink. It mirrors requests and compares the answers, moves
 * callers over share by share, and takes them back by itself when the modern side fails. One per process: each has its own ratio.
 */
export class Xfuse {
  readonly #options: XfuseOptions;
  readonly #sides: Sides;
  readonly #mirror: Mirror;
  readonly #budget: ErrorBudget | undefined;
  readonly #shadow: ShadowCounts;
  readonly #status = new StatusCounts();
  readonly #observers: BridgeObserver[];
  readonly #compared = new WeakMap<Response, Promise<Comparison>>();
  readonly #answeredBy = new WeakMap<Response, Side>();
  #ratio: number;
  /** Counts changes of the ratio: what was sent before one does not count after it. */
  #generation = 0;
  #stepBack: StepBack | undefined;
  #isClosed = false;
  #isLocked = false;

  private constructor(options: XfuseOptions) {
    const clock = options.clock ?? Date.now;
    this.#options = options;
    this.#sides = new Sides(options, () => this.#tell({ type: 'key-used' }));
    this.#ratio = options.aci ?? 0;
    this.#budget = options.budget === false ? undefined : new ErrorBudget(options.budget ?? {}, clock);
    this.#shadow = new ShadowCounts(clock());
    this.#observers = [...(options.observers ?? [])];
    setGuard(this, {
      needsCallers: needsCallers(options),
      ratio: () => this.#ratio,
      lock: () => {
        this.#isLocked = true;
      },
    });
    const limits = { maxMirrors: options.maxMirrors ?? 32, maxBodyBytes: options.maxBodyBytes ?? 2 ** 20 };
    this.#mirror = new Mirror(this.#sides, compareRules(options.compare), limits, (comparison) => {
      this.#shadow.add(comparison);
      this.#tell({ type: 'compared', comparison });
    });
  }

  /** Opens a bridge. Nothing is sent yet. Rejects with `INVALID_OPTION`. */
  static async create(options: XfuseOptions): Promise<Xfuse> {
    checkBridgeOptions(options);
    return new Xfuse(options);
  }

  /** As the platform's `fetch`, for paths below the endpoint of the legacy side. Can be passed on without its bridge. */
  readonly fetch = async (input: string | URL | Request, init: BridgeRequestInit = {}): Promise<Response> => {
    if (this.#isClosed) throw new XfuseError('BRIDGE_CLOSED');
    const request = bridgeRequest(input, init, this.#sides.legacyEndpoint, this.#options);
    const mode = request.call.mode ?? this.#options.mode ?? 'route';
    const side = this.#sideFor(request, mode);
    if (side === 'modern') return this.#viaModern(request);
    return mode === 'mirror' ? this.#mirrored(request) : this.#viaLegacy(request, false);
  };

  /** Sends JSON and reads the answer. `mode: 'mirror'` sends it to both sides; the legacy answer comes back at once, and `compared` later. */
  async send(request: SendRequest): Promise<SendResult> {
    return sendBy(this, request);
  }

  /** Share of callers on the modern side; takes effect with the next request. Throws `INVALID_OPTION`. */
  setTrafficRatio(ratio: TrafficRatio): void {
    checkNames('setTrafficRatio', ratio, ['aci', 'api']);
    const { aci, api = 1 - aci } = ratio;
    const isGood = [aci, api].every((part) => typeof part === 'number' && part >= 0 && part <= 1);
    if (!isGood || Math.abs(aci + api - 1) > 1e-9)
      throw invalidOption('aci', 'setTrafficRatio: aci and api are from 0 to 1, and together 1.');
    if (aci > 0 && this.#isLocked) throw unchecked('aci');
    this.#change(aci, 'operator');
  }

  /** Shares of the traffic now. */
  get trafficRatio(): Required<TrafficRatio> {
    return { aci: this.#ratio, api: 1 - this.#ratio };
  }

  /** What came of a mirrored request; `undefined` for an answer of another kind. */
  comparisonOf(response: Response): Promise<Comparison> | undefined {
    return this.#compared.get(response);
  }

  /** Which side gave an answer of this bridge. */
  sideOf(response: Response): Side | undefined {
    return this.#answeredBy.get(response);
  }

  /** What would have changed for callers, from the requests that were mirrored. */
  report(): ShadowReport {
    return this.#shadow.report();
  }

  /** Counts and the state of the error budget, for a row of a dashboard. */
  status(): BridgeStatus {
    return this.#status.status({
      ratio: this.#ratio,
      stepBack: this.#stepBack,
      window: this.#budget?.used ?? { all: 0, bad: 0 },
      errorRatio: this.#options.budget === false ? undefined : (this.#options.budget?.errorRatio ?? 0.02),
      mirrors: this.#mirror.running,
      agreement: this.#shadow.report().agreement,
    });
  }

  /** Adds an observer. What it throws is ignored. Throws `INVALID_OPTION` for what is no function. */
  observe(observer: BridgeObserver): void {
    checkValue('observe', 'observer', observer ?? null, isFunction, 'a function');
    this.#observers.push(observer);
  }

  /** Resolves when the comparisons are made of all requests that were mirrored so far. */
  async settle(): Promise<void> {
    await this.#mirror.settle();
  }

  /** Takes no more requests, and waits for comparisons. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.settle();
  }

  #sideFor(request: BridgeRequest, mode: NonNullable<BridgeRequest['call']['mode']>): Side {
    if (mode === 'legacy' || mode === 'modern') return mode;
    // A body that can be read only once can be neither sealed nor sent again.
    if (this.#ratio === 0 || request.bodyBytes === undefined) return 'legacy';
    const caller = this.#callerOf(request);
    const place = caller === undefined ? (this.#options.random ?? Math.random)() : placeOf(caller);
    return place < this.#ratio ? 'modern' : 'legacy';
  }

  #callerOf(request: BridgeRequest): string | undefined {
    return request.call.caller ?? this.#options.caller?.(request);
  }

  async #viaLegacy(request: BridgeRequest, fellBack: boolean): Promise<Response> {
    return this.#answered(await this.#counted('legacy', fellBack, this.#sides.legacy(request)), 'legacy');
  }

  async #mirrored(request: BridgeRequest): Promise<Response> {
    const sent = this.#mirror.send(request);
    const response = this.#answered(await this.#counted('legacy', false, sent), 'legacy');
    this.#compared.set(response, (await sent).compared);
    return response;
  }

  async #viaModern(request: BridgeRequest): Promise<Response> {
    const generation = this.#generation;
    const mayRepeat = request.call.mode !== 'modern' && (request.isRead || request.hasKey);
    const caller = this.#callerOf(request);
    const count = (isBad: boolean) => generation === this.#generation && this.#count(isBad, caller);
    let answer: Answer;
    try {
      answer = await this.#counted('modern', false, this.#sides.modern(request, true));
    } catch (error) {
      if (request.init.signal?.aborted) throw error;
      // What could not even be sent says nothing of the modern side, and was not carried out.
      if (isOfForm(error)) {
        if (request.call.mode === 'modern') throw error;
        return this.#viaLegacy(request, true);
      }
      count(true);
      if (mayRepeat) return this.#viaLegacy(request, true);
      throw error;
    }
    const isBad = isFailure(answer.response.status);
    // Refused because of what the caller brought itself: no fault of the modern side.
    const isCallers = answer.response.status === 401 && request.headers.has('authorization');
    if (isBad && !isCallers) count(true);
    if (isBad && mayRepeat) {
      void answer.response.body?.cancel().catch(() => undefined);
      return this.#viaLegacy(request, true);
    }
    // An answer is good when its body was, too.
    const { response, ended } = capture(answer.response, 0);
    if (!isBad) void ended.then((end) => count(end === 'broken' && !request.init.signal?.aborted));
    return this.#answered({ ...answer, response }, 'modern');
  }

  async #counted<T extends Answer>(side: Side, fellBack: boolean, sent: Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      const answer = await sent;
      const { status } = answer.response;
      const outcome = isFailure(status) ? 'failed' : status >= 400 ? 'refused' : 'ok';
      this.#tell({ type: 'request', side, outcome, ms: answer.ms, fellBack });
      return answer;
    } catch (error) {
      this.#tell({ type: 'request', side, outcome: 'error', ms: performance.now() - started, fellBack });
      throw error;
    }
  }

  #answered({ response }: Answer, side: Side): Response {
    this.#answeredBy.set(response, side);
    return response;
  }

  #count(isBad: boolean, caller: string | undefined): void {
    const verdict = this.#budget?.count(isBad, caller) ?? 'fine';
    if (verdict === 'fine' || this.#ratio === 0) return;
    const steps = this.#options.steps ?? [0, 0.1, 0.25, 0.5, 1];
    this.#change(verdict === 'collapse' ? 0 : stepBelow(steps, this.#ratio), 'budget');
  }

  #change(to: number, by: 'operator' | 'budget'): void {
    const from = this.#ratio;
    this.#ratio = to;
    this.#stepBack = by === 'budget' && this.#budget ? { from, ...this.#budget.used } : undefined;
    this.#generation += 1;
    this.#budget?.clear();
    if (from !== to) this.#tell({ type: 'ratio', from, to, by });
  }

  #tell(event: BridgeEvent): void {
    this.#status.add(event);
    tellAll(this.#observers, event);
  }
}

/** The fault of the modern side: 5xx, and 401, since the credentials there are those of the bridge. */
const isFailure = (status: number): boolean => status >= 500 || status === 401;
