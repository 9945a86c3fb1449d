import type { AgentCore } from '../agent/agent.js';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors.js';
import type { AuthMethod, Mode, XlinkEvent } from '../types.js';
import { MODES } from '../util/modes.js';
import { type AdapterMetrics, AdoptionCounter } from './adoption.js';
import { ENVELOPE_TYPE, type EnvelopeForm, findApiKey, findEnvelope } from './credentials.js';
import { deprecationHeaders, migrationHeaders } from './deprecation.js';
import { type EnvelopeRules, receiveRequest } from './enveloped-request.js';
import type { Auth, Decision, Headers, InboundRequest, Outcome, Pass, Refusal } from './http.js';
import { validateKey } from './legacy-key.js';
import { checkDualModeOptions, type DualModeOptions } from './options.js';
import { challenges, problemBody } from './problem.js';

/** Bodies beside an envelope in a header: 1 MiB. */
const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;
const DEFAULT_VALIDATOR_TIMEOUT_MS = 5000;

/** What a request offers as proof, and which of it counts. */
interface Credentials {
  readonly method: AuthMethod;
  readonly envelope: EnvelopeForm | undefined;
  readonly apiKey?: string;
}

/** A pass before it is timed and counted. */
type Verdict = Pick<Pass, 'auth' | 'message' | 'content'> & { readonly headers?: Headers };

/**
 * Lets callers of one API prove themselves with an API key or with an xLink envelope, and decides by mode which of the
 * two is taken. Knows no framework: the middleware translates.
 */
export class DualMode {
  readonly #agent: AgentCore;
  readonly #options: DualModeOptions;
  readonly #rules: EnvelopeRules;
  readonly #bodyTypes: readonly string[];
  readonly #adoption = new AdoptionCounter();
  #mode: Mode;
  #deprecatedSince: Date;

  /** Throws `INVALID_OPTION`. */
  constructor(options: DualModeOptions, bodyTypes: readonly string[] = [ENVELOPE_TYPE]) {
    checkDualModeOptions(options);
    this.#options = options;
    this.#agent = options.agent;
    this.#bodyTypes = bodyTypes;
    this.#mode = options.mode ?? 'observe';
    this.#deprecatedSince = options.deprecation?.since ?? new Date();
    this.#rules = {
      requireRequestBinding: options.requireRequestBinding ?? true,
      allowCleartext: options.allowCleartext ?? false,
      maxEnvelopeBytes: options.maxEnvelopeBytes ?? DEFAULT_MAX_ENVELOPE_BYTES,
      maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
      requestTarget: options.requestTarget ?? ((request) => request.target),
    };
    this.#emit({ type: 'mode', to: this.#mode });
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** Takes effect with the next request, in either direction. Throws `INVALID_OPTION` for anything but a mode. */
  setMode(mode: Mode, reason?: string): void {
    if (!MODES.includes(mode))
      throw xlinkError('INVALID_OPTION', { field: 'mode', hint: `setMode: one of ${MODES.join(', ')}.` });
    const from = this.#mode;
    if (from === mode) return;
    this.#mode = mode;
    if (mode === 'deprecation') this.#deprecatedSince = this.#options.deprecation?.since ?? new Date();
    this.#emit({ type: 'mode', from, to: mode, ...(reason === undefined ? {} : { reason }) });
  }

  /** Requests since the process started, in the papers' shape. */
  getMetrics(): AdapterMetrics {
    return this.#adoption.snapshot();
  }

  /** Authenticates one request. Never throws: whatever goes wrong is a refusal. */
  async decide(request: InboundRequest): Promise<Decision> {
    const started = performance.now();
    const facts: { mode: Mode; method: AuthMethod } = { mode: this.#mode, method: 'none' };
    const timed = () => ({ ...facts, durationMs: performance.now() - started });
    try {
      if (request.method.toUpperCase() === 'OPTIONS' || this.#options.skip?.(request))
        return { action: 'pass', headers: {} };
      const credentials = this.#credentials(request, facts.mode);
      facts.method = credentials.method;
      const { headers = {}, ...verdict } = await this.#authenticate(request, facts.mode, credentials);
      const { message } = verdict;
      const envelope = message ? { version: message.version, encrypted: message.encrypted } : {};
      return { ...verdict, action: 'pass', headers, outcome: { ...timed(), ...envelope } };
    } catch (thrown) {
      return this.#refuse(toXlinkError(thrown), timed());
    }
  }

  /** Counts a decision once its response is over. `route` is the template of the route that served it. */
  settled({ outcome }: Decision, route: string | undefined, status: number): void {
    if (!outcome) return;
    this.#adoption.count(outcome);
    const { error, mode, method, version, encrypted, durationMs } = outcome;
    this.#emit({
      type: 'request',
      mode,
      method,
      outcome: error ? 'refused' : 'accepted',
      reason: error?.id ?? 'ok',
      status,
      route: route ?? 'unmatched',
      durationMs,
      ...(version === undefined ? {} : { version }),
      ...(encrypted === undefined ? {} : { encrypted }),
    });
  }

  /** A key beside an envelope is not even looked at, except in observe mode, where it decides. */
  #credentials(request: InboundRequest, mode: Mode): Credentials {
    const envelope = findEnvelope(request, this.#bodyTypes);
    if (envelope && mode !== 'observe') return { method: 'xlink', envelope };
    const apiKey = findApiKey(request, this.#options.apiKey ?? {});
    if (apiKey !== undefined && envelope !== 'body') return { method: 'api-key', envelope, apiKey };
    return { method: envelope ? 'xlink' : 'none', envelope };
  }

  async #authenticate(
    request: InboundRequest,
    mode: Mode,
    { method, envelope, apiKey }: Credentials,
  ): Promise<Verdict> {
    if (method === 'none') throw xlinkError('CREDENTIALS_MISSING');
    if (method === 'xlink') {
      if (mode === 'observe') throw xlinkError('XLINK_NOT_SUPPORTED');
      return this.#byEnvelope(request, envelope!);
    }
    if (mode === 'xlink-only') throw xlinkError('XLINK_REQUIRED');
    const auth = await validateKey(
      this.#options.legacyKeyValidator,
      apiKey!,
      this.#options.validatorTimeoutMs ?? DEFAULT_VALIDATOR_TIMEOUT_MS,
    );
    if (envelope) await this.#observe(request, envelope); // after the key: strangers are not worth the work
    return { auth, ...(mode === 'deprecation' ? { headers: this.#deprecation() } : {}) };
  }

  async #byEnvelope(request: InboundRequest, form: EnvelopeForm): Promise<Verdict> {
    const { message, content } = await receiveRequest(this.#agent, request, form, this.#rules);
    const { sender: did, scope, version, encrypted, envelopeId, timestamp } = message;
    const auth: Auth = { mode: 'xlink', did, scope, version, encrypted, envelopeId, timestamp };
    return { auth, message, ...(content ? { content } : {}) };
  }

  /** Verifies an envelope beside a key without any effect on the request but the time it takes. */
  async #observe(request: InboundRequest, form: EnvelopeForm): Promise<void> {
    try {
      const { message } = await receiveRequest(this.#agent, request, form, this.#rules);
      this.#emit({ type: 'observed', reason: 'ok', version: message.version });
    } catch (thrown) {
      this.#emit({ type: 'observed', reason: toXlinkError(thrown).id });
    }
  }

  #refuse(error: XlinkError, facts: Omit<Outcome, 'error'>): Refusal {
    const { exposeDetails = false, realm = 'api', deprecation } = this.#options;
    if (error.status >= 500 || error.cause !== undefined) this.#emit({ type: 'fault', error });
    return {
      action: 'refuse',
      status: error.status,
      headers: {
        'Content-Type': 'application/problem+json',
        'Cache-Control': 'no-store',
        ...challenges(facts.mode, realm, error),
        ...(error.id === 'XLINK_REQUIRED' ? migrationHeaders(deprecation?.migrationUrl) : {}),
      },
      body: problemBody(error, facts.method, exposeDetails),
      outcome: { ...facts, error },
    };
  }

  #deprecation(): Headers {
    return deprecationHeaders({ ...this.#options.deprecation, since: this.#deprecatedSince });
  }

  #emit(event: XlinkEvent): void {
    for (const observer of this.#options.observers ?? []) {
      try {
        observer(event);
      } catch {
        // a broken observer must not refuse a request
      }
    }
  }
}
