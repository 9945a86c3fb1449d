import type { Agent } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import { MeshError } from '../../errors/mesh-error.js';
import { checkNames, checkValue, isFunction, isText } from '../../util/options.js';
import type { FetchedBundle, PrekeyDirectory, Publication } from './bundle.js';

/** Options of {@link HttpPrekeyDirectory}. */
export interface HttpPrekeyDirectoryOptions {
  /** Whose prekeys are published, and who asks. It has to be in the registry of the server. */
  readonly agent: Agent;
  /** Address of an identity server (`xlink serve`), without a path. */
  readonly baseUrl: string;
  /** Longest time for one call, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Default: `xlinkFetch` of the agent. */
  readonly fetch?: typeof fetch;
}

/** The prekey directory of an identity server. What it hands out is verified by who uses it. */
export class HttpPrekeyDirectory implements PrekeyDirectory {
  readonly #fetch: typeof fetch;
  readonly #baseUrl: string;
  readonly #timeoutMs: number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: HttpPrekeyDirectoryOptions) {
    const owner = 'HttpPrekeyDirectory';
    checkNames(owner, options, ['agent', 'baseUrl', 'timeoutMs', 'fetch']);
    checkValue(owner, 'baseUrl', options.baseUrl ?? '', isText, 'the URL of an identity server');
    checkValue(owner, 'fetch', options.fetch, isFunction, 'a function');
    checkValue(
      owner,
      'timeoutMs',
      options.timeoutMs,
      (ms) => Number.isInteger(ms) && ms > 0,
      'a whole number, in ms',
    );
    this.#baseUrl = options.baseUrl;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#fetch =
      options.fetch ?? (xlinkFetch({ agent: options.agent, baseUrl: options.baseUrl }) as typeof fetch);
  }

  async publish({ replace, ...publication }: Publication): Promise<number> {
    const body = { ...publication, ...(replace ? { replace } : {}) };
    return remaining(await this.#call('PUT', '/v1/prekeys', body));
  }

  async count(): Promise<number> {
    return remaining(await this.#call('GET', '/v1/prekeys'));
  }

  async fetch(did: string): Promise<FetchedBundle | undefined> {
    return (await this.#call('POST', `/v1/prekeys/${encodeURIComponent(did)}`)) as FetchedBundle | undefined;
  }

  async has(did: string): Promise<boolean> {
    return (await this.#call('GET', `/v1/prekeys/${encodeURIComponent(did)}`)) !== undefined;
  }

  /** `undefined`: there is none. */
  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    try {
      const answer = await this.#fetch(new URL(path, this.#baseUrl), {
        method,
        signal: AbortSignal.timeout(this.#timeoutMs),
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
      const json: unknown = await answer.json();
      if (answer.ok) return json;
      if (answer.status === 404) return undefined;
      throw new Refused(answer.status, codeOf(json));
    } catch (cause) {
      throw new MeshError('SIGNAL_DIRECTORY_FAILED', { cause, hint: hintOf(cause) });
    }
  }
}

/** The server answered, and not with what was asked for. */
class Refused extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, code: string | undefined) {
    super(`the server answered ${status}${code === undefined ? '' : ` ${code}`}`);
    this.status = status;
    this.code = code;
  }
}

/** A code such as `TIMESTAMP_EXPIRED:FUTURE`, and nothing else of what came from outside. */
const codeIn = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Z][A-Z0-9_]{2,40}(:[A-Z0-9_]{2,40})?$/.test(value) ? value : undefined;

function codeOf(answer: unknown): string | undefined {
  const body = (answer ?? {}) as { readonly error?: unknown; readonly code?: unknown; readonly id?: unknown };
  const error = typeof body.error === 'object' && body.error !== null ? (body.error as typeof body) : body;
  return codeIn(error.id) ?? codeIn(error.code) ?? codeIn(error.error);
}

/** Names the code underneath; what has to do with time is mostly a clock. */
function hintOf(cause: unknown): string {
  const said = (cause ?? {}) as { readonly id?: unknown; readonly code?: unknown };
  const code = codeIn(said.id) ?? codeIn(said.code);
  if (code === undefined) return 'See `cause`.';
  const isTime = code.startsWith('TIMESTAMP_');
  return `It is ${code}${isTime ? ': compare the clocks of this machine and of the server' : ''}. See \`cause\`.`;
}

function remaining(answer: unknown): number {
  const { remaining: count } = (answer ?? {}) as { remaining?: unknown };
  if (typeof count !== 'number') throw new MeshError('SIGNAL_DIRECTORY_FAILED');
  return count;
}
