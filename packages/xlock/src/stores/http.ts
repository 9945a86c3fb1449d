import { checkNames, checkValue, integerIn, invalidOption, isFunction, isText } from '../util/options.js';
import type { XStoreBackend } from './backend.js';
import { type Exchange, exchanged, hasCredentials, isSafeUrl } from './exchange.js';

/** Options of {@link HttpBackend}. */
export interface HttpBackendOptions {
  /** The folder at a WebDAV server, or anything that takes `PUT`, `GET` and `DELETE` below it. https; http for this machine only. */
  readonly url: string;
  /** The value of `Authorization`, such as `Basic …` or `Bearer …`. Default none. */
  readonly authorization?: string;
  /** Name for messages. Default `http`. */
  readonly id?: string;
  /** For one request, in ms. Default 5000. */
  readonly timeoutMs?: number;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

/** Another text would be refused by `fetch` in a message that quotes it. */
const isHeader = (value: unknown) => typeof value === 'string' && /^\P{Cc}+$/u.test(value);

/** Shares below a URL (RFC 9110 methods, as WebDAV, RFC 4918, has them). The folder must be there. */
export class HttpBackend implements XStoreBackend {
  readonly id: string;
  /** As it was given. */
  readonly url: string;
  readonly #url: string;
  readonly #authorization: string | undefined;
  readonly #exchange: Exchange;

  /** Throws `INVALID_OPTION`. */
  constructor(options: HttpBackendOptions) {
    const OWNER = 'HttpBackend';
    checkNames(OWNER, options, ['url', 'authorization', 'id', 'timeoutMs', 'fetch']);
    const { url, authorization, id = 'http', timeoutMs = 5000 } = options;
    if (hasCredentials(url))
      throw invalidOption(
        'url',
        `${OWNER}: pass no user:password@ in url, which is shown: use authorization ("Basic …").`,
      );
    if (!isSafeUrl(url) || /[?#]/.test(url))
      throw invalidOption('url', `${OWNER}: url must be https, or http of this machine, without ? and #.`);
    checkValue(OWNER, 'authorization', authorization, isHeader, 'a text without line ends');
    checkValue(OWNER, 'id', id, isText, 'a text');
    checkValue(OWNER, 'timeoutMs', timeoutMs, integerIn(1, 600_000), 'a whole number of ms up to 600000');
    checkValue(OWNER, 'fetch', options.fetch, isFunction, 'a function');
    this.id = id;
    this.url = url;
    this.#url = url.replace(/\/*$/, '/');
    this.#authorization = authorization;
    this.#exchange = { fetch: options.fetch ?? fetch, timeoutMs };
  }

  /** `PUT`. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    const found = await this.#ask('PUT', name, Uint8Array.from(bytes));
    if (found === undefined) throw new Error('The store answered with status 404: there is no such folder.');
  }

  /** `GET`. */
  async get(name: string): Promise<Uint8Array | undefined> {
    return this.#ask('GET', name);
  }

  /** `DELETE`. */
  async delete(name: string): Promise<void> {
    await this.#ask('DELETE', name);
  }

  #ask(method: string, name: string, body?: Uint8Array): Promise<Uint8Array | undefined> {
    const headers: Record<string, string> = {
      ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
      ...(body ? { 'content-type': 'application/octet-stream' } : {}),
    };
    const url = new URL(this.#url + encodeURIComponent(name));
    return exchanged(this.#exchange, url, { method, headers, ...(body ? { body } : {}) });
  }
}
