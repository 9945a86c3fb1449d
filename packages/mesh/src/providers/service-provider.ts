import { type DiscoverOptions, discover, type XlinkFetch } from '@private.me/xlink';
import type { ChannelProvider, OpenOptions, Reach, SecureChannel, Target } from '../channel.js';
import { MeshError } from '../errors/mesh-error.js';
import { checkNames, invalidOption, isFunction } from '../util/options.js';
import { SimpleChannel } from './simple-channel.js';

/** Options of {@link ServiceProvider}. */
export interface ServiceProviderOptions {
  /** `session` of a `fetch` that may use sessions, `envelope` of one with `session: false`. */
  readonly kind: 'session' | 'envelope';
  /** From `xlinkFetch()`. */
  readonly fetch: XlinkFetch;
  /** How services are discovered. */
  readonly discover?: DiscoverOptions;
  /** Content type of messages. Default `application/octet-stream`. */
  readonly contentType?: string;
  /** Told what a listener threw. Default: nobody. */
  readonly onFault?: (error: unknown) => void;
}

/** Channels to HTTP APIs: each message is the body of a sealed POST to the URL, and its answer is the next message. */
export class ServiceProvider implements ChannelProvider {
  readonly kind: 'session' | 'envelope';
  readonly #options: ServiceProviderOptions;

  /** Throws `INVALID_OPTION`. */
  constructor(options: ServiceProviderOptions) {
    const owner = 'ServiceProvider';
    checkNames(owner, options, ['kind', 'fetch', 'discover', 'contentType', 'onFault']);
    const { kind, fetch } = options;
    if (kind !== 'session' && kind !== 'envelope')
      throw invalidOption('kind', `${owner}: kind must be session or envelope.`);
    if (!isFunction(fetch)) throw invalidOption('fetch', `${owner}: fetch must be one of xlinkFetch().`);
    this.kind = kind;
    this.#options = options;
  }

  async canReach({ url }: Target, signal?: AbortSignal): Promise<Reach> {
    if (url === undefined) return { state: 'unsupported', why: 'no URL' };
    try {
      const began = performance.now();
      const { endpoints, acceptsEnvelopes, versions } = await this.#discover(url, signal);
      const latencyMs = performance.now() - began;
      if (!acceptsEnvelopes) return { state: 'unsupported', why: 'keys decide there', latencyMs };
      if (this.kind === 'session' && !endpoints.session)
        return { state: 'unsupported', why: 'no sessions', latencyMs };
      return { state: 'online', latencyMs, postQuantum: Math.max(...versions) >= 2 };
    } catch {
      signal?.throwIfAborted();
      return { state: 'unreachable', why: 'no discovery' };
    }
  }

  async open({ url }: Target, { signal }: OpenOptions = {}): Promise<SecureChannel> {
    if (url === undefined) throw invalidOption('url', 'ServiceProvider: a target needs a url.');
    const { did } = await this.#discover(url, signal);
    const channel: SimpleChannel = new SimpleChannel(
      this.kind,
      did,
      async (data) => channel.take(await this.#post(url, data)),
      this.#options.onFault ?? (() => {}),
    );
    return channel;
  }

  #discover(url: string, signal: AbortSignal | undefined) {
    return discover(url, { ...this.#options.discover, ...(signal ? { signal } : {}) });
  }

  async #post(url: string, data: Uint8Array): Promise<Uint8Array> {
    const { fetch, contentType = 'application/octet-stream' } = this.#options;
    const body = Uint8Array.from(data);
    const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': contentType }, body });
    const content = new Uint8Array(await answer.arrayBuffer());
    if (!answer.ok) throw new MeshError('SERVICE_REFUSED', { cause: { status: answer.status } });
    return content;
  }
}
