import { xlinkFetch } from '@private.me/xlink/client';
import { isXfuseError, XfuseError } from '../errors.js';
import { followed } from './follow.js';
import type { XfuseOptions } from './options.js';
import type { BridgeRequest } from './request.js';

/** An answer, and how long its head took. */
export interface Answer {
  readonly response: Response;
  readonly ms: number;
}

const MODERN_TIMEOUT_MS = 10_000;

/** How both sides are called. */
export class Sides {
  readonly legacyEndpoint: URL;
  readonly modernTimeoutMs: number;
  readonly #options: XfuseOptions;
  readonly #modernEndpoint: string;
  readonly #modernFetch: typeof fetch;

  constructor(options: XfuseOptions, onKeyUsed: () => void) {
    const { legacy, modern } = options;
    this.#options = options;
    this.legacyEndpoint = new URL(legacy.endpoint);
    const endpoint = modern.endpoint ?? legacy.endpoint;
    this.#modernEndpoint = endpoint.replace(/\/$/, '');
    this.modernTimeoutMs = modern.timeoutMs ?? MODERN_TIMEOUT_MS;
    // The key of one origin is not shown to another one.
    const isOneOrigin = new URL(endpoint).origin === this.legacyEndpoint.origin;
    const apiKey = modern.apiKey ?? (isOneOrigin ? legacy.apiKey : undefined);
    this.#modernFetch =
      modern.fetch ??
      xlinkFetch({
        baseUrl: endpoint,
        onFallback: onKeyUsed,
        ...(modern.agent ? { agent: modern.agent } : {}),
        ...(apiKey ? { apiKey, apiKeyHeader: legacy.apiKeyHeader ?? 'X-API-Key' } : {}),
      });
  }

  /** The head of the legacy answer, or `LEGACY_FAILED`; the caller's own abort is passed on as it is. */
  async legacy(request: BridgeRequest): Promise<Answer> {
    const { fetch: send = fetch, apiKey, apiKeyHeader = 'X-API-Key', timeoutMs = 0 } = this.#options.legacy;
    const headers = new Headers(request.headers);
    if (apiKey) headers.set(apiKeyHeader, isAuthorization(apiKeyHeader) ? `Bearer ${apiKey}` : apiKey);
    const init = { ...request.init, headers };
    return headOf('LEGACY_FAILED', request, timeoutMs, (signal) =>
      followed(send, request.url, { ...init, ...(signal ? { signal } : {}) }, [apiKeyHeader]),
    );
  }

  /** The head of the modern answer, or `MODERN_FAILED`. `signal` ends it, the body included; the caller's own is used only if `isAnswer`. */
  async modern(request: BridgeRequest, isAnswer: boolean, end?: AbortSignal): Promise<Answer> {
    const { apiKeyHeader = 'X-API-Key' } = this.#options.legacy;
    const headers = new Headers(request.headers);
    // A key of the legacy side is none of the modern side's business, whichever header it came in.
    for (const name of [apiKeyHeader, 'x-api-key']) headers.delete(name);
    const { signal: own, ...rest } = request.init;
    const limits = [...(isAnswer && own ? [own] : []), ...(end ? [end] : [])];
    const init: RequestInit = {
      ...rest,
      headers,
      ...(limits.length ? { signal: AbortSignal.any(limits) } : {}),
    };
    const target = isAnswer ? request.target : (this.dryRunOf(request) ?? request.target);
    return headOf('MODERN_FAILED', { ...request, init }, isAnswer ? this.modernTimeoutMs : 0, (signal) =>
      this.#modernFetch(`${this.#modernEndpoint}${target}`, { ...init, ...(signal ? { signal } : {}) }),
    );
  }

  /** Where a write may be tried without carrying it out. */
  dryRunOf({ isRead, target }: BridgeRequest): string | undefined {
    const paths = this.#options.modern.dryRun;
    const [path, ...query] = target.split('?');
    if (isRead || !paths || !Object.hasOwn(paths, path!)) return undefined;
    return [paths[path!]!, ...query].join('?');
  }
}

const isAuthorization = (name: string): boolean => name.toLowerCase() === 'authorization';

async function headOf(
  code: 'LEGACY_FAILED' | 'MODERN_FAILED',
  { init }: Pick<BridgeRequest, 'init'>,
  timeoutMs: number,
  send: (signal: AbortSignal | undefined) => Promise<Response>,
): Promise<Answer> {
  const started = performance.now();
  const late = timeoutMs ? new AbortController() : undefined;
  const timer = late && setTimeout(() => late.abort(new XfuseError(`${code}:TIMEOUT`)), timeoutMs);
  const given = init.signal;
  const signal = late && given ? AbortSignal.any([given, late.signal]) : (late?.signal ?? given ?? undefined);
  try {
    const response = await Promise.race([send(signal), ...(late ? [aborted(late.signal)] : [])]);
    return { response, ms: performance.now() - started };
  } catch (error) {
    if (late?.signal.aborted) throw late.signal.reason;
    if (given?.aborted || isXfuseError(error)) throw error;
    throw new XfuseError(code, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects when the signal fires, also where what was called does not listen to it. */
export const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/** Errors of xLink and Node that a request has by its form. */
const FORM: readonly unknown[] = [
  'INVALID_OPTION',
  'REQUEST_BODY_UNSUPPORTED',
  'FETCH_OPTION_UNSUPPORTED',
  'BODY_TOO_LARGE',
];

/** Whether an error says that a request could not be sent as it is: its method, body, headers or target. Nothing was carried out then. */
export function isOfForm(error: unknown): boolean {
  let at = error as { name?: string; id?: string; cause?: unknown } | undefined;
  for (let depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    if (FORM.includes(at.id)) return true;
    // `fetch` gives a cause where the network failed, and none where it refuses to send.
    if (at.name === 'TypeError' && at.cause === undefined) return true;
    at = at.cause as typeof at;
  }
  return false;
}
