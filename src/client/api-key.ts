import type { XlinkFetchOptions } from './options.js';

/** The key of a service, and where it may go: to the origins that its owner named, and wherever a call carries it already. */
export class ApiKey {
  readonly #header: string;
  readonly #origins: ReadonlySet<string>;
  #key: string | undefined;
  /** Kept after the key was taken away, so that a caller that still sends it is not believed. */
  readonly #secret: string | undefined;

  constructor({ apiKey, apiKeyHeader = 'X-API-Key', apiKeyOrigin = [], baseUrl }: XlinkFetchOptions) {
    this.#key = this.#secret = apiKey;
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
      const rest = name === 'cookie' ? withoutPairs(value, (pair) => this.#holds(pair)) : '';
      if (rest === '') headers.delete(name);
      else headers.set(name, rest);
    }
  }

  /** The URL without parameters that hold the key; everything else stays as it is spelled. */
  stripFromUrl(url: URL): URL {
    const rest = url.search
      .slice(1)
      .split('&')
      .filter((pair) => !this.#holds(decoded(pair)));
    if (rest.length === url.search.slice(1).split('&').length) return url;
    const stripped = new URL(url);
    stripped.search = rest.join('&');
    return stripped;
  }

  #isIn(request: Request, url: URL): boolean {
    const values = [...request.headers].map(([, value]) => value);
    return [...values, ...url.search.slice(1).split('&').map(decoded)].some((text) => this.#holds(text));
  }

  /** Also inside `Token token="…"`, a cookie, and Basic credentials, where it may be the name or the password. */
  #holds(text: string): boolean {
    const secret = this.#secret;
    if (secret === undefined) return false;
    return text.includes(secret) || basicCredentials(text).split(':').includes(secret);
  }
}

function basicCredentials(value: string): string {
  const encoded = /^basic\s+([\w+/=-]+)$/i.exec(value.trim())?.[1];
  try {
    return encoded === undefined ? '' : atob(encoded);
  } catch {
    return '';
  }
}

function decoded(pair: string): string {
  try {
    return decodeURIComponent(pair.replaceAll('+', ' '));
  } catch {
    return pair;
  }
}

const withoutPairs = (cookie: string, isUnwanted: (pair: string) => boolean): string =>
  cookie
    .split(/;\s*/)
    .filter((pair) => !isUnwanted(pair))
    .join('; ');
