import type { Did, Scope } from '../types/protocol.js';
import type { NewClient } from './enrolled-client.js';

/**
 * How a request carries its proof. `sealed`: a body is encrypted, and what has none is signed in `Authorization`, as `xlinkFetch`
 * does. `header`: signed in `Authorization`, with the body beside it as it is. `signature`: by RFC 9421, without an envelope; the
 * adapter takes it with `signatures: true`.
 */
export type RequestForm = 'sealed' | 'header' | 'signature';

/** Who signs, for whom. */
export interface Signing {
  readonly caller: NewClient;
  readonly service: Did;
  readonly scope: Scope;
  readonly form: RequestForm;
  readonly now: () => number;
}

/** A request with its bytes. */
export interface Draft {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly content: Uint8Array | undefined;
}
