import { isXlinkError, type XlinkError, xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import { type AdapterMetrics, AdoptionCounter } from '../http/adoption-counter.js';
import { below } from '../http/base-url.js';
import type { AuthMethod } from '../types/mode.js';
import { given } from '../util/given.js';
import { checkOptions, isObject } from '../util/options.js';
import { callError, parseBody } from './call-error.js';
import { checkDualModeClientOptions, type DualModeClientOptions } from './dual-mode-client-options.js';
import type { Served } from './served.js';
import { ServiceClient } from './service-client.js';

/**
 * Calls actions of an API by xLink, and by key while it has to.
 *
 * ```ts
 * const client = new DualModeClient({ xlink: agent, fallback: { type: 'api-key', key, url: 'https://api.example.com' } });
 * const result = await client.call('createCharge', { amount: 100 });
 * client.getMetrics().xlinkPercentage; // at 100 for long enough:
 * client.removeFallback();
 * ```
 */
export class DualModeClient {
  readonly #url: string;
  readonly #client: ServiceClient;
  readonly #keyOnly: boolean;
  readonly #adoption = new AdoptionCounter();
  #hasKey = true;

  /** Throws `INVALID_OPTION`. */
  constructor(options: DualModeClientOptions) {
    checkDualModeClientOptions(options);
    const { xlink, fallback, ...rest } = options;
    this.#url = fallback.url;
    this.#keyOnly = !xlink && !options.identity;
    this.#client = new ServiceClient({
      ...rest,
      ...given({ agent: xlink, apiKeyHeader: fallback.header }),
      apiKey: fallback.key,
      apiKeyOrigin: fallback.url,
    });
  }

  /**
   * POSTs the payload as JSON to `url/action`. The value is what the service answered: JSON if it is, else text. Errors
   * are those of xLink, `CALL_FAILED` with a {@link CallFailure} as `cause` if the service answered with a status outside
   * 200 to 299, and `NETWORK_ERROR`, after which a write may have happened.
   */
  async call(
    action: string,
    payload?: unknown,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Result<unknown>> {
    const started = performance.now();
    let method: AuthMethod = 'none';
    const count = (error?: XlinkError) => {
      const durationMs = performance.now() - started;
      this.#adoption.count({ mode: 'hybrid', method, durationMs, ...(error ? { error } : {}) });
    };
    try {
      checkOptions('DualModeClient.call', options, { signal: isObject });
      const served = await this.#send(action, payload, options.signal);
      const { response } = served;
      method = served.method;
      const text = await response.text();
      const error = response.ok ? undefined : callError(response, text);
      count(response.status === 401 || response.status === 403 ? error : undefined);
      return error ? err(error) : ok(parseBody(text));
    } catch (thrown) {
      const error = isXlinkError(thrown) ? thrown : xlinkError('NETWORK_ERROR', { cause: thrown });
      count(error);
      return err(error);
    }
  }

  /** Calls since the client was made; calls that failed before an answer was accepted count as `failedAuth`. */
  getMetrics(): AdapterMetrics {
    return this.#adoption.snapshot();
  }

  /** From now on the key is never used, neither for calls nor to enroll: what does not work by xLink fails. */
  removeFallback(): void {
    this.#hasKey = false;
    this.#client.removeKey();
  }

  /**
   * For the operator, when the API really went back to keys, lost its registry or changed its identity: it is met as for the
   * first time. Rejects with `SERVICE_MEMORY_FAILED`.
   */
  forget(): Promise<void> {
    return this.#client.forget(this.#url);
  }

  async #send(action: string, payload: unknown, signal: AbortSignal | undefined): Promise<Served> {
    const url = below(this.#url, `/${actionPath(action)}`);
    const init: RequestInit = {
      method: 'POST',
      headers: { Accept: 'application/json' },
      ...(payload === undefined ? {} : { body: encode(payload) }),
      ...(signal ? { signal } : {}),
    };
    if (payload !== undefined) init.headers = { ...init.headers, 'Content-Type': 'application/json' };
    if (!this.#keyOnly) return this.#client.call(url, init);
    if (!this.#hasKey) throw xlinkError('CREDENTIALS_MISSING', { field: 'fallback' });
    return this.#client.callWithKey(url, init);
  }
}

/** `createCharge` or `charges/create`. */
function actionPath(action: string): string {
  const segments = typeof action === 'string' ? action.split('/') : [];
  if (
    segments.length === 0 ||
    segments.some((segment) => segment === '' || segment === '.' || segment === '..')
  )
    throw xlinkError('INVALID_OPTION', {
      field: 'action',
      hint: 'DualModeClient: action is a path such as charges/create.',
    });
  return segments.map(encodeURIComponent).join('/');
}

function encode(payload: unknown): string {
  try {
    const text = JSON.stringify(payload);
    if (text !== undefined) return text;
  } catch {
    // its own error would quote the payload
  }
  throw xlinkError('PAYLOAD_NOT_SERIALIZABLE', { field: 'payload' });
}
