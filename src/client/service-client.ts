import type { BaseAgent } from '../agent/agent.js';
import type { AgentOptions } from '../agent/options.js';
import type { Service } from '../discovery/discover.js';
import { DEFAULT_DISCOVERY_TIMEOUT_MS } from '../discovery/options.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import type { ErrorId } from '../errors/table.js';
import { untilAborted } from '../http/abort.js';
import { ENROLL_SCOPE, INVITATION_HEADER } from '../http/enrollment.js';
import { fetchOrPlatform } from '../http/fetch.js';
import { KEY_IS_OVER } from '../http/key-refusals.js';
import { KEY_SCOPE } from '../http/own-routes.js';
import { addressRules, assertAddress } from '../http/service-url.js';
import { BoundedMap } from '../util/bounded-map.js';
import { given } from '../util/given.js';
import { tell } from '../util/tell.js';
import { ApiKey } from './api-key.js';
import {
  buffered,
  type CallerRequest,
  type FetchInput,
  isUpload,
  readRequest,
  type XlinkRequestInit,
} from './buffered-request.js';
import { AgentSource } from './caller.js';
import type { Enrollment } from './enroll-once.js';
import { Enroller } from './enroller.js';
import { type FallbackReason, isNotSupported } from './fallback.js';
import { followed } from './followed.js';
import { Gate } from './gate.js';
import { DEFAULT_MAX_SERVICES, KnownServices } from './known-services.js';
import { type EnvelopeHeader, observeEnvelopeHeader } from './observe-envelope.js';
import { DEFAULT_MAX_CONCURRENT_CALLS, type XlinkFetchOptions } from './options.js';
import { type Exchanged, unsealedResponse } from './response.js';
import { scopeOf } from './scope.js';
import type { Sealing } from './seal-request.js';
import { type ExchangeRules, exchange } from './send-enveloped.js';
import { sendFor } from './send-for.js';
import { sendWithKey } from './send-with-key.js';
import type { Served } from './served.js';
import { ServiceCache } from './service-cache.js';
import type { ClientSessions } from './sessions/client-sessions.js';

const NOT_AN_ORIGIN = 'forget: an origin, as https://a.example.com.';
/** What an identity hears that has to be enrolled (again). */
const HAS_TO_ENROLL: ReadonlySet<ErrorId> = new Set<ErrorId>([
  'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
  'ENROLLMENT_EXPIRED',
]);
const FORGOTTEN = 'Something on the way may say so; if true, call forget(origin).';

/** Sends requests under envelopes to services that it discovers, and under the key only where the rules say so. */
export class ServiceClient {
  readonly #options: XlinkFetchOptions;
  readonly #agents: AgentSource;
  readonly #known: KnownServices;
  readonly #services: ServiceCache;
  readonly #apiKey: ApiKey;
  readonly #invitation: ApiKey;
  readonly #enroller: Enroller;
  readonly #fetch: typeof fetch;
  /** By origin: a service that hangs holds up no other. */
  readonly #gates = new BoundedMap<string, Gate>(DEFAULT_MAX_SERVICES);
  #keyIsOver = false;
  /** Absent: no service offered any so far. */
  sessions: Promise<ClientSessions | undefined> | undefined;

  /** `more`: for an agent that is made here. Takes options that were checked. */
  constructor(options: XlinkFetchOptions, more: AgentOptions = {}) {
    this.#options = options;
    this.#agents = new AgentSource(options, more);
    this.#known = new KnownServices(options.services ?? options.identity?.services, options);
    this.#services = new ServiceCache(options, this.#agents, this.#known);
    this.#apiKey = new ApiKey(options);
    const { invitation } = options;
    this.#invitation = new ApiKey({ ...options, apiKey: invitation!, apiKeyHeader: INVITATION_HEADER });
    const { timeoutMs = DEFAULT_DISCOVERY_TIMEOUT_MS, clock = Date.now } = options;
    const addKey = (headers: Headers, key: string) =>
      (key === invitation ? this.#invitation : this.#apiKey).addTo(headers, key);
    this.#fetch = fetchOrPlatform(options.fetch);
    const { introduce } = options;
    this.#enroller = new Enroller({ fetch: this.#fetch, timeoutMs, addKey, ...given({ introduce }) }, clock);
  }

  /** As the platform's `fetch`, with what the request proved itself with. */
  call(input: FetchInput, init?: XlinkRequestInit): Promise<Served> {
    return this.#send(input, init, (request) => this.#serve(request));
  }

  /** Without xLink, where there is no identity to use. */
  callWithKey(input: FetchInput, init?: XlinkRequestInit): Promise<Served> {
    return this.#send(input, init, (request) => this.#byKey(request));
  }

  /** The agent that calls. */
  async agent(): Promise<BaseAgent> {
    return (await this.#agents.get()).agent;
  }

  /** Takes a service that was discovered elsewhere, or a newer document of it. */
  adopt(service: Service): Promise<Service> {
    return this.#services.adopt(service);
  }

  /** For the operator: the service at this origin is met as for the first time, so that the key may be used there again. */
  async forget(url: string): Promise<void> {
    if (!URL.canParse(url)) throw xlinkError('INVALID_OPTION', { field: 'origin', hint: NOT_AN_ORIGIN });
    const { origin } = new URL(url);
    const known = await this.#known.get(origin);
    await this.#known.forget(origin);
    this.#services.forget(origin);
    this.#enroller.forget(origin);
    if (known) (await this.agent()).forgetPeer(known.did);
  }

  /** The key is never used again, neither for requests nor to enroll. */
  removeKey(): void {
    this.#apiKey.remove();
  }

  async #send(
    input: FetchInput,
    init: XlinkRequestInit | undefined,
    serve: (request: CallerRequest) => Promise<Served>,
  ): Promise<Served> {
    const request = await readRequest(input, init, this.#options);
    const served = untilAborted(followed(request, serve), request.signal);
    if (isUpload(request)) served.catch((error) => request.upload.cancel(error));
    return served;
  }

  async #serve(request: CallerRequest): Promise<Served> {
    const { url } = request;
    assertAddress(url, addressRules(url, this.#options));
    const key = this.#apiKey.for(request.request, url);
    let service: Service;
    try {
      service = await this.#services.of(url.origin);
    } catch (error) {
      if (isNotSupported(error) && key !== undefined) return this.#byKey(request, 'discovery');
      throw error;
    }
    if (this.#letsKeysDecide(service) && key !== undefined)
      return this.#byKeyBesideEnvelope(request, service);
    const isProven = await this.#known.isProven(service.origin);
    const enrollment = await this.#enroll(
      service,
      isProven ? undefined : (this.#invitation.for(request.request, url) ?? key),
      isProven,
    );
    if (enrollment?.state === 'not-offered' && key !== undefined && !isProven)
      return this.#byKey(request, 'enrollment');
    return this.#byEnvelope(request, service);
  }

  /** The service says so, signed, and has not said otherwise to this client. */
  #letsKeysDecide = ({ mode }: Service): boolean => mode === 'observe' && !this.#keyIsOver;

  async #byKeyBesideEnvelope(request: CallerRequest, service: Service): Promise<Served> {
    const sealing = async () => {
      await this.#enroll(service, this.#apiKey.for(request.request, request.url));
      return this.#sealing(request, service);
    };
    const observed =
      this.#enroller.failedLately(service) || isUpload(request)
        ? {}
        : await observeEnvelopeHeader(request, sealing);
    return this.#byKey(request, 'observe', observed);
  }

  /**
   * Without a key, an identity that is not new, or that the service has answered, asks what it was granted, and renews that; a new one
   * has nothing to ask for.
   */
  async #enroll(
    service: Service,
    key: string | undefined,
    isProven = false,
  ): Promise<Enrollment | undefined> {
    const caller = await this.#agents.get();
    return key === undefined && !caller.known && !isProven && !this.#options.introduce
      ? undefined
      : this.#enroller.ensure(service, caller, key);
  }

  async #sealing(request: CallerRequest, service: Service): Promise<Sealing> {
    const { scope, version } = this.#options;
    const { agent } = await this.#agents.get();
    const { key, enroll } = service.endpoints;
    const ownScope = new Map([
      [key, KEY_SCOPE],
      [enroll, ENROLL_SCOPE],
    ]).get(request.url.href);
    return { agent, service, scope: ownScope ?? scopeOf(scope, request.request), version };
  }

  async #byEnvelope(request: CallerRequest, service: Service): Promise<Served> {
    const stripped = { ...request, url: this.#apiKey.stripFromUrl(request.url) };
    let exchanged: Exchanged;
    try {
      const sealing = await this.#sealing(stripped, service);
      const rules: ExchangeRules = {
        sealedAnswers: this.#options.sealedAnswers ?? true,
        maxBytes: this.#options.maxAnswerBytes,
        gate: this.#gateOf(request.url.origin),
        stripKey: (headers) => this.#apiKey.stripFrom(headers),
        send: (to, init) => sendFor(request, this.#fetch, to, init),
        rediscover: () => this.#rediscover(service.origin),
      };
      const byEnvelope = async (one: CallerRequest) => exchange(await buffered(one), sealing, rules);
      const sessions = await this.#sessionsWith(service);
      exchanged = await (sessions?.exchange(stripped, sealing, rules, byEnvelope) ?? byEnvelope(stripped));
    } catch (error) {
      throw await this.#learnFrom(error, service);
    }
    const { response, verified, refusal } = exchanged;
    const hasNoXlink = refusal?.id === 'XLINK_NOT_SUPPORTED';
    if (hasNoXlink && this.#apiKey.for(request.request, request.url) !== undefined) {
      // What it said later in a document counts more.
      const { issuedAt } = (await this.#known.get(service.origin)) ?? service;
      if (refusal.timestamp >= issuedAt) return this.#byKey(request, 'refused');
    }
    if (verified && !hasNoXlink) await this.#known.prove(service);
    return { response, method: 'xlink' };
  }

  /** Loaded where a service offers them. Where that fails, envelopes go on. */
  #sessionsWith({ endpoints }: Service): Promise<ClientSessions | undefined> | undefined {
    const { session, timeoutMs } = this.#options;
    if (session === false || !endpoints.session) return undefined;
    return (this.sessions ??= import('./sessions/client-sessions.js').then(
      ({ ClientSessions }) => new ClientSessions({ fetch: this.#fetch, timeoutMs }),
      () => undefined,
    ));
  }

  #gateOf(origin: string): Gate {
    const { maxConcurrentCalls = DEFAULT_MAX_CONCURRENT_CALLS } = this.#options;
    const gate = this.#gates.get(origin) ?? new Gate(maxConcurrentCalls);
    this.#gates.set(origin, gate);
    return gate;
  }

  #rediscover(origin: string): Promise<Service> {
    this.#services.forget(origin);
    return this.#services.of(origin);
  }

  /** Anybody can forge a refusal that is not signed, so all that it causes is that the service is asked once more. */
  async #learnFrom(error: unknown, { origin }: Service): Promise<unknown> {
    const { cause } = error as { cause?: unknown };
    if (!isXlinkError(cause) || !HAS_TO_ENROLL.has(cause.id)) return error;
    const refusal = this.#enroller.forget(origin);
    const hint = refusal
      ? `The key was refused for the enrollment: ${refusal.message}`
      : (await this.#known.isProven(origin)) && FORGOTTEN;
    return hint ? xlinkError('ANSWER_INVALID:NOT_SEALED', { cause: refusal ?? cause, hint }) : error;
  }

  async #byKey(request: CallerRequest, reason?: FallbackReason, more: EnvelopeHeader = {}): Promise<Served> {
    request.signal?.throwIfAborted();
    if (reason) tell(this.#options.onFallback, { reason, origin: request.url.origin });
    const key = this.#apiKey.for(request.request, request.url);
    const send = (url: URL, init: RequestInit) => sendFor(request, this.#fetch, url, init);
    const raw = await sendWithKey(request, this.#apiKey, key, send, more);
    const { response, problem } = await unsealedResponse(raw);
    if (KEY_IS_OVER.has(problem)) this.#keyIsOver = true;
    return { response, method: 'api-key' };
  }
}
