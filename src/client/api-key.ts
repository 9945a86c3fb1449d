import { xlinkError } from '../errors/errors.js';
import { targetOf } from '../http/request-binding.js';
import type { XlinkFetchOptions } from './options.js';
import { SecretTraces } from './secret-traces.js';

/** The key of a service, and where it may go: to the origins that its owner named, and wherever a call carries it already. */
export class ApiKey {
  readonly #header: string;
  readonly #origins: ReadonlySet<string>;
  #key: string | undefined;
  /** Kept after the key was taken away, so that a caller that still sends it is not believed. */
  readonly #traces: SecretTraces | undefined;

  constructor({ apiKey, apiKeyHeader = 'X-API-Key', apiKeyOrigin = [], baseUrl }: XlinkFetchOptions) {
    this.#key = apiKey;
    if (apiKey !== undefined) this.#traces = new SecretTraces(apiKey);
    this.#header = apiKeyHeader;
    const homes = [apiKeyOrigin].flat();
    if (homes.length === 0 && baseUrl !== undefined) homes.push(baseUrl);
    this.#origins = new Set(homes.map((home) => new URL(home).origin));
  }

  /** The key, if it may go where the request goes. */
  for(request: Request, url: URL): string | undefined {
    if (this.#key === undefined) return undefined;
    return this.#origins.has(url.origin) || this.#isIn(request, url) ? this.#key : undefined;
  }

  /** Never used again. */
  remove(): void {
    this.#key = undefined;
  }

  /** Adds the key to headers. */
  addTo(headers: Headers, key: string): void {
    headers.set(this.#header, this.#header.toLowerCase() === 'authorization' ? `Bearer ${key}` : key);
  }

  /** Removes the key wherever the caller may have put it: an envelope travels without one. */
  stripFrom(headers: Headers): void {
    headers.delete('X-API-Key');
    if (this.#header.toLowerCase() !== 'authorization') headers.delete(this.#header);
    for (const [name, value] of [...headers]) {
      if (!this.#holds(value)) continue;
      const rest = name === 'cookie' ? this.#without(value, ';') : '';
      if (rest === '' || this.#holds(rest)) headers.delete(name);
      else headers.set(name, rest);
    }
  }

  /**
   * The URL without parameters that hold the key; everything else stays as it is spelled. Throws `API_KEY_IN_URL` if the key is
   * elsewhere in it.
   */
  stripFromUrl(url: URL): URL {
    const stripped = new URL(url);
    const query = url.search.slice(1);
    const rest = this.#without(query, '&');
    if (rest !== query) stripped.search = rest;
    if (this.#holds(targetOf(stripped))) throw xlinkError('API_KEY_IN_URL');
    return stripped;
  }

  #isIn(request: Request, url: URL): boolean {
    return [targetOf(url), ...request.headers.values()].some((text) => this.#holds(text));
  }

  #without(list: string, separator: string): string {
    return list
      .split(separator)
      .filter((one) => !this.#holds(one))
      .join(separator);
  }

  #holds(text: string): boolean {
    return this.#traces?.areIn(text) ?? false;
  }
}
