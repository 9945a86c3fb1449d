import type { BaseAgent } from '../agent/agent.js';
import type { AgentOptions } from '../agent/options.js';
import type { Service } from '../discovery/discover.js';
import { DEFAULT_DISCOVERY_TIMEOUT_MS } from '../discovery/options.js';
import { untilAborted } from '../http/abort.js';
import { fetchOrPlatform } from '../http/fetch.js';
import { KEY_IS_OVER } from '../http/key-refusals.js';
import { assertAddress } from '../http/service-url.js';
import { ApiKey } from './api-key.js';
import { type BufferedRequest, bufferRequest, type FetchInput } from './buffered-request.js';
import { AgentSource, type Caller } from './caller.js';
import { Enroller, type Enrollment } from './enroller.js';
import { type FallbackReason, isNotSupported, reportFallback } from './fallback.js';
import { type EnvelopeHeader, observeEnvelopeHeader } from './observe-envelope.js';
import { DEFAULT_MAX_ANSWER_BYTES, type XlinkFetchOptions } from './options.js';
import { unsealedResponse } from './response.js';
import { scopeOf } from './scope.js';
import type { Sealing } from './seal-request.js';
import { exchange } from './send-enveloped.js';
import { sendFor } from './send-for.js';
import { sendWithKey } from './send-with-key.js';
import { ServiceCache } from './service-cache.js';

/** An answer, and what the request proved itself with. */
export interface Served {
  readonly response: Response;
  readonly method: 'xlink' | 'api-key';
}

/** Sends requests under envelopes to services that it discovers, and under the key only where the rules say so. */
export class ServiceClient {
  readonly #options: XlinkFetchOptions;
  readonly #agents: AgentSource;
  readonly #services: ServiceCache;
  readonly #apiKey: ApiKey;
  readonly #enroller: Enroller;
  readonly #maxBytes: number;
  readonly #fetch: typeof fetch;
  #keyIsOver = false;

  /** `more`: for an agent that is made here. Takes options that were checked. */
  constructor(options: XlinkFetchOptions, more: AgentOptions = {}) {
    this.#options = options;
    this.#agents = new AgentSource(options, more);
    this.#services = new ServiceCache(options, this.#agents);
    this.#apiKey = new ApiKey(options);
    this.#maxBytes = options.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES;
    const { timeoutMs = DEFAULT_DISCOVERY_TIMEOUT_MS, clock = Date.now } = options;
    const addKey = (headers: Headers, origin: string) => this.#apiKey.addTo(headers, origin);
    this.#fetch = fetchOrPlatform(options.fetch);
    this.#enroller = new Enroller({ fetch: this.#fetch, timeoutMs, addKey }, clock);
  }

  /** As the platform's `fetch`, with what the request proved itself with. */
  async call(input: FetchInput, init?: RequestInit): Promise<Served> {
    const request = await bufferRequest(input, init, this.#options.baseUrl);
    return untilAborted(this.#serve(request), request.signal);
  }

  /** Without xLink, where there is no identity to use. The key goes to its own origin only. */
  async callWithKey(input: FetchInput, init?: RequestInit): Promise<Served> {
    const request = await bufferRequest(input, init, this.#options.baseUrl);
    return untilAborted(this.#byKey(request), request.signal);
  }

  /** The agent that calls. */
  async agent(): Promise<BaseAgent> {
    return (await this.#agents.get()).agent;
  }

  /** Takes a service that was discovered elsewhere. */
  adopt(service: Service): Promise<void> {
    return this.#services.adopt(service);
  }

  /** The key is never used again, neither for requests nor to enroll. */
  removeKey(): void {
    this.#apiKey.remove();
  }

  async #serve(request: BufferedRequest): Promise<Served> {
    const { origin } = request.url;
    assertAddress(request.url, this.#options);
    let service: Service;
    try {
      service = await this.#services.of(origin);
    } catch (error) {
      if (isNotSupported(error) && this.#apiKey.isFor(origin)) return this.#byKey(request, 'discovery');
      throw error;
    }
    const caller = await this.#agents.get();
    if (service.mode === 'observe' && !this.#keyIsOver && this.#apiKey.isFor(origin)) {
      const sealing = async () =>
        this.#sealing(request, service, caller, await this.#enroll(service, caller));
      const shadow = this.#enroller.failedLately(service)
        ? {}
        : await observeEnvelopeHeader(request, sealing);
      return this.#byKey(request, 'observe', shadow);
    }
    const enrollment = await this.#enroll(service, caller);
    if (enrollment?.state === 'not-offered' && this.#apiKey.isFor(origin))
      return this.#byKey(request, 'enrollment');
    return this.#byEnvelope(request, this.#sealing(request, service, caller, enrollment));
  }

  /**
   * Without a key, an identity that is not new asks what it was granted; a new one has nothing to ask for.
   */
  async #enroll(service: Service, caller: Caller): Promise<Enrollment | undefined> {
    const key = this.#apiKey.reveal(service.origin);
    return key === undefined && !caller.known ? undefined : this.#enroller.ensure(service, caller, key);
  }

  #sealing(
    request: BufferedRequest,
    service: Service,
    { agent }: Caller,
    enrollment: Enrollment | undefined,
  ): Sealing {
    const { scope, version } = this.#options;
    return { agent, service, scope: scopeOf(scope, request.request, enrollment), version };
  }

  async #byEnvelope(request: BufferedRequest, sealing: Sealing): Promise<Served> {
    const { service } = sealing;
    const { response, problem } = await exchange(request, sealing, {
      sealedAnswers: this.#options.sealedAnswers ?? true,
      maxBytes: this.#maxBytes,
      stripKey: (headers) => this.#apiKey.stripFrom(headers),
      send: (url, init) => sendFor(request, this.#fetch, url, init),
    });
    if (response.status === 415 && problem === 'XLINK_NOT_SUPPORTED' && this.#apiKey.isFor(service.origin))
      return this.#byKey(request, 'refused');
    if (problem === 'RECIPIENT_MISMATCH' || problem?.startsWith('DECRYPT_FAILED:'))
      this.#services.forget(service.origin);
    if (problem === 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY') this.#enroller.forget(service);
    return { response, method: 'xlink' };
  }

  async #byKey(
    request: BufferedRequest,
    reason?: FallbackReason,
    more: EnvelopeHeader = {},
  ): Promise<Served> {
    request.signal?.throwIfAborted();
    if (reason) reportFallback(this.#options.onFallback, { reason, origin: request.url.origin });
    const send = (url: URL, init: RequestInit) => sendFor(request, this.#fetch, url, init);
    const raw = await sendWithKey(request, this.#apiKey, send, more);
    const { response, problem } = await unsealedResponse(raw, this.#maxBytes);
    if (KEY_IS_OVER.has(problem)) this.#keyIsOver = true;
    return { response, method: 'api-key' };
  }
}
