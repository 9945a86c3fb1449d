import { checkNames, checkValue, isFunction, isText } from '../../util/options.js';
import type { StateDocument, StateStore } from './store.js';

/** Options of {@link VaultStateStore}. */
export interface VaultStateStoreOptions {
  /** Address of the server, such as `https://vault.example.com:8200`. https, but for this machine. */
  readonly url: string;
  /** Its token, or a function that returns the present one. It needs `create`, `read` and `update` on the data below `path`. */
  readonly token: string | (() => string | Promise<string>);
  /** Where the KV version 2 engine is mounted. Default `secret`. */
  readonly mount?: string;
  /** Folder in it, such as `agents/payments/crypto`. */
  readonly path: string;
  /** Namespace of Vault Enterprise. Default none. */
  readonly namespace?: string;
  /** Longest time for one call, in ms. Default 5,000. */
  readonly timeoutMs?: number;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * State in the KV version 2 engine of HashiCorp Vault, by its HTTP API; compare-and-set is that of the engine (`options.cas`). Removing
 * writes an empty version, so that versions go on counting. Old versions stay as long as `max_versions` of the engine says: set it
 * to 1, for they hold keys that should be gone.
 */
export class VaultStateStore implements StateStore {
  readonly #options: VaultStateStoreOptions;
  readonly #base: string;

  /** Throws `INVALID_OPTION`. */
  constructor(options: VaultStateStoreOptions) {
    const owner = 'VaultStateStore';
    checkNames(owner, options, ['url', 'token', 'mount', 'path', 'namespace', 'timeoutMs', 'fetch']);
    checkValue(owner, 'url', options.url ?? '', isAddress, 'an https URL; http only for this machine');
    const isToken = (token: unknown) => isText(token) || isFunction(token);
    checkValue(owner, 'token', options.token ?? '', isToken, 'a token, or a function that returns it');
    checkValue(owner, 'path', options.path ?? '', isPath, 'a path without a slash at its ends');
    checkValue(owner, 'mount', options.mount, isPath, 'a path without a slash at its ends');
    checkValue(owner, 'namespace', options.namespace, isText, 'a text');
    checkValue(
      owner,
      'timeoutMs',
      options.timeoutMs,
      (ms) => Number.isInteger(ms) && ms > 0,
      'a whole number, in ms',
    );
    checkValue(owner, 'fetch', options.fetch, isFunction, 'a function');
    this.#options = options;
    this.#base = new URL(`/v1/${options.mount ?? 'secret'}/data/${options.path}`, options.url).href;
  }

  async load(id: string): Promise<StateDocument | undefined> {
    const there = await this.#read(id);
    return there.json === undefined ? undefined : { json: there.json, version: there.version };
  }

  async save(id: string, json: string, expectedVersion: number): Promise<boolean> {
    const first = await this.#write(id, { json }, expectedVersion);
    if (first || expectedVersion !== 0) return first;
    const there = await this.#read(id); // an empty version, of a document that was removed
    return there.json === undefined && there.version > 0 && this.#write(id, { json }, there.version);
  }

  async remove(id: string, expectedVersion: number): Promise<boolean> {
    return this.#write(id, {}, expectedVersion);
  }

  async #read(id: string): Promise<{ readonly json: string | undefined; readonly version: number }> {
    const answer = await this.#call('GET', id);
    const { data } = (await answer.json()) as VaultAnswer;
    const version = data?.metadata?.version;
    if (answer.status === 404) return { json: undefined, version: version ?? 0 };
    if (!answer.ok) throw new Error(`Vault answered ${answer.status}`);
    if (typeof version !== 'number') throw new Error('Vault answered without a version');
    const json = data?.data?.['json'];
    return { json: typeof json === 'string' ? json : undefined, version };
  }

  async #write(id: string, data: Readonly<Record<string, string>>, cas: number): Promise<boolean> {
    const answer = await this.#call('POST', id, { options: { cas }, data });
    if (answer.ok) return true;
    const said = (await answer.json()) as { readonly errors?: readonly string[] };
    if (answer.status === 400 && said.errors?.some((error) => error.includes('check-and-set'))) return false;
    throw new Error(`Vault answered ${answer.status}`);
  }

  async #call(method: string, id: string, body?: unknown): Promise<Response> {
    const { token, namespace, timeoutMs = 5000, fetch: ask = fetch } = this.#options;
    const name = id.split('/').map(encodeURIComponent).join('/');
    return ask(`${this.#base}/${name}`, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        'X-Vault-Token': typeof token === 'string' ? token : await token(),
        'X-Vault-Request': 'true',
        ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

interface VaultAnswer {
  readonly data?: {
    readonly data?: Readonly<Record<string, unknown>> | null;
    readonly metadata?: { readonly version?: number };
  };
}

const isPath = (value: string): boolean =>
  /^[\w.:-]+(\/[\w.:-]+)*$/.test(value) && !/(^|\/)\.{1,2}(\/|$)/.test(value);

function isAddress(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || (protocol === 'http:' && LOCAL.has(hostname));
}
