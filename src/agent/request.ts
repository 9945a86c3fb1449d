import type { Header } from '../envelope/plaintext.js';
import { coveredFields } from '../http/covered-fields.js';
import type { Envelope } from '../types/protocol.js';
import { requireOption } from '../util/options.js';
import type { AgentContext } from './context.js';
import { createEnvelope } from './envelope.js';
import type { EnvelopeOptions } from './envelope-options.js';

/** An HTTP request for the adapter of a service. */
export interface RequestOptions extends EnvelopeOptions {
  /** `METHOD /path?query`, from `requestBinding()`. */
  readonly request: string;
  /**
   * The headers that the caller set, names in any case: sealed with the content, or signed by digest where the envelope is
   * signed only. Those of the connection and those that describe the body are left out. Default: none.
   */
  readonly headers?: readonly Header[];
  /** That of an earlier form of the same request, which is sealed again for other keys. Default: fresh. */
  readonly identity?: RequestIdentity;
}

/** What one claim of a nonce covers: all forms of a request that have it in common are carried out once between them. */
export interface RequestIdentity {
  /** 16 bytes. */
  readonly nonce: Uint8Array;
  /** ms since 1970. */
  readonly timestamp: number;
}

/** Makes the envelope of one HTTP request. Throws `INVALID_OPTION` and what sealing throws. */
export async function createRequest(context: AgentContext, options: RequestOptions): Promise<Envelope> {
  const { headers, identity, ...rest } = options;
  requireOption('createRequest', options, 'request');
  return createEnvelope(context, rest, {
    kind: 'request',
    ...(headers ? { headers: coveredFields(headers) } : {}),
    ...(identity ? { identity } : {}),
  });
}
