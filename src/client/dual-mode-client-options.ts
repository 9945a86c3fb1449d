import type { BaseAgent } from '../agent/agent.js';
import { xlinkError } from '../errors/errors.js';
import { checkOptions, isObject, oneOf, requireOption } from '../util/options.js';
import { XLINK_FETCH_OPTIONS, type XlinkFetchOptions } from './options.js';

/** The way of old, to go on with where xLink is not offered. */
export interface ApiKeyFallback {
  readonly type: 'api-key';
  /** The API key. Sent to the origin of `url` only. */
  readonly key: string;
  /** Base URL of the API. */
  readonly url: string;
  /** Default `X-API-Key`; `Authorization` sends `Bearer` and the key. */
  readonly header?: string;
}

/** Options of {@link DualModeClient}. */
export interface DualModeClientOptions
  extends Omit<XlinkFetchOptions, 'agent' | 'apiKey' | 'apiKeyHeader' | 'apiKeyOrigin' | 'baseUrl'> {
  /** Who calls. Add it, or `identity`, when ready: without either, every call uses the key. */
  readonly xlink?: BaseAgent;
  /** The API, and the key that is used where xLink is not available. */
  readonly fallback: ApiKeyFallback;
}

/** Throws `INVALID_OPTION`. */
export function checkDualModeClientOptions(options: DualModeClientOptions): void {
  const { agent, apiKey, apiKeyHeader, apiKeyOrigin: _, baseUrl, ...known } = XLINK_FETCH_OPTIONS;
  checkOptions('DualModeClient', options, { ...known, xlink: agent, fallback: isObject });
  requireOption('DualModeClient', options, 'fallback');
  const { fallback } = options;
  checkOptions('DualModeClient.fallback', fallback, {
    type: oneOf('api-key'),
    key: apiKey,
    url: baseUrl,
    header: apiKeyHeader,
  });
  for (const name of ['type', 'key', 'url']) requireOption('DualModeClient.fallback', fallback, name);
  if (options.xlink && options.identity)
    throw xlinkError('INVALID_OPTION', {
      field: 'identity',
      hint: 'DualModeClient: give xlink or identity, not both.',
    });
}
