import type { XlinkFetchOptions } from './options.js';

/** The key of one service, and where it may go: to one origin, in one header, until it is taken away. */
export class ApiKey {
  readonly #header: string;
  #key: string | undefined;
  #origin: string | undefined;
  /** Kept after the key was taken away, so that a caller that still sets it is not believed. */
  readonly #secret: string | undefined;

  constructor({ apiKey, apiKeyHeader = 'X-API-Key', apiKeyOrigin, baseUrl }: XlinkFetchOptions) {
    this.#key = this.#secret = apiKey;
    this.#header = apiKeyHeader;
    const home = apiKeyOrigin ?? baseUrl;
    this.#origin = home === undefined ? undefined : new URL(home).origin;
  }

  /** Whether there is a key for this origin. The first origin that asks keeps it, unless the options name one. */
  isFor(origin: string): boolean {
    if (this.#key === undefined) return false;
    this.#origin ??= origin;
    return this.#origin === origin;
  }

  /** The key, for the proof of an enrollment. */
  reveal(origin: string): string | undefined {
    return this.isFor(origin) ? this.#key : undefined;
  }

  /** Never used again. */
  remove(): void {
    this.#key = undefined;
  }

  /** Adds the key, for an origin that it is for. */
  addTo(headers: Headers, origin: string): void {
    const key = this.reveal(origin);
    if (key === undefined) return;
    headers.set(this.#header, this.#header.toLowerCase() === 'authorization' ? `Bearer ${key}` : key);
  }

  /** Removes the key wherever the caller may have put it: an envelope travels without one. */
  stripFrom(headers: Headers): void {
    headers.delete('X-API-Key');
    if (this.#header.toLowerCase() !== 'authorization') headers.delete(this.#header);
    const secret = this.#secret;
    if (secret === undefined) return;
    for (const [name, value] of [...headers]) {
      if (value === secret || value.endsWith(` ${secret}`)) headers.delete(name);
    }
  }
}
