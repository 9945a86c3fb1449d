import { type HeadersLike, redactHeaders } from './redact-headers.js';
import { redactUrl } from './redact-url.js';

/** What a log may say about a request. */
export interface LoggedRequest {
  /** HTTP method. */
  readonly method: string | undefined;
  /** Path and query, without credentials. */
  readonly url: string | undefined;
  /** Headers, without credentials. */
  readonly headers: Record<string, unknown>;
}

/** What a log may say about a response. */
export interface LoggedResponse {
  /** HTTP status. */
  readonly statusCode: number | undefined;
  /** Headers, without credentials. */
  readonly headers: Record<string, unknown>;
}

interface RequestLike {
  readonly method?: string;
  readonly url?: string;
  readonly originalUrl?: string;
  readonly headers?: HeadersLike;
}

interface ResponseLike {
  readonly statusCode?: number;
  readonly headers?: HeadersLike;
  getHeaders?(): HeadersLike;
}

/**
 * For pino's option `serializers`: requests and responses of Node, Express and Koa without credentials. Bodies are left
 * out: what arrived sealed is not written down in the clear.
 */
export const SERIALIZERS = {
  req({ method, url, originalUrl = url, headers = {} }: RequestLike): LoggedRequest {
    return {
      method,
      url: originalUrl === undefined ? undefined : redactUrl(originalUrl),
      headers: redactHeaders(headers),
    };
  },
  res(response: ResponseLike): LoggedResponse {
    const { statusCode, headers } = response;
    return { statusCode, headers: redactHeaders(response.getHeaders?.() ?? headers ?? {}) };
  },
};
