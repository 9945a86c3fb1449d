import type { Header } from '../envelope/plaintext.js';
import type { XlinkError } from '../errors/errors.js';
import type { Authentication, RequestEvent } from '../types/events.js';
import type { AgentMessage, Did, Scope, Version } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import type { AnswerSealer } from './answer-head.js';
import type { BodySource, StreamedContent } from './body-source.js';

/** A request as the adapter sees it, whatever the framework. */
export interface InboundRequest {
  /** HTTP method, such as `POST`. */
  readonly method: string;
  /** Path and query as the client sent them, before any router cut a prefix off; in callbacks other than `requestTarget`, before any proxy did, too. */
  readonly target: string;
  /** What routers cut off the path before the adapter got it, such as `/v1`; absent or empty if nothing. */
  readonly mount?: string;
  /** Whether the adapter stands on a single route, where that can be told. */
  readonly isOnRoute?: boolean;
  /** Whether a parser in front has read the body and left no bytes of it, where that can be told. */
  isBodyGone?(): boolean;
  /** Whether Content-Length or Transfer-Encoding announce a body. */
  readonly hasBody: boolean;
  /** The framework's own request object, for callbacks of the application. */
  readonly raw: unknown;
  /** The IP address of the other end of the connection, which is a proxy where there is one. Absent where it is not known. */
  readonly remoteAddress?: string | undefined;
  /** A header by its lower-case name; several of the same name joined by `, `. */
  header(name: string): string | undefined;
  /** The values of a header by its lower-case name, one for each line that it came in. Absent where lines cannot be told apart. */
  lines?(name: string): readonly string[];
  /** Calls `then` once the client is gone, at once if it is already, until the returned function is called. Absent where it cannot be told. */
  whenGone?(then: () => void): () => void;
  /**
   * All bytes of the body, at most `maxBytes`. `checkStart` is given the first ones before more are read, and throws what
   * the body is refused with. Throws or rejects with that, `BODY_TOO_LARGE`, `BODY_TOO_SLOW`, `BODY_CONSUMED` or `BODY_ABORTED`.
   */
  readBody(maxBytes: number, checkStart?: (start: Uint8Array) => void): Awaitable<Uint8Array>;
  /** The body as it comes; absent, or `undefined`, where it is to be read whole. */
  openBody?(): BodySource | undefined;
}

/** `req.auth` of a request that came with an envelope or a signature, or in a session. */
export interface XlinkAuth {
  readonly mode: 'xlink';
  /** Whether it came with an envelope, in a session, or signed by RFC 9421. Nobody signed a request in a session. */
  readonly form: 'envelope' | 'session' | 'signature';
  /** Who signed the request. */
  readonly did: Did;
  /** What the request says it is for; `*`: all that the identity was granted. */
  readonly scope: Scope;
  /** What the request may do, as guards read it: in the same shape as with a key. */
  readonly scopes: readonly Scope[];
  /** Names of the request headers that the envelope or signature covers, in lower case. Others may have been added or changed on the way. */
  readonly signedHeaders: readonly string[];
  /** Envelope version; in a session that of the envelope that opened it; of a signature 1, or 3 if there is one by ML-DSA-65, too. */
  readonly version: Version;
  /** False for signatures and header-form requests, which are signed only. */
  readonly encrypted: boolean;
  /** The nonce; in a session its id, a dot, and the number of the request. */
  readonly envelopeId: string;
  /** When it was made, in ms since 1970; to the second, of a signature. */
  readonly timestamp: number;
  /** The client that the DID was enrolled for, where the adapter keeps clients; the DID itself if it was not. */
  readonly client?: string;
}

/**
 * `req.auth` of a request that came with an API key: the members of what the validator returned (`Customer`), and the
 * mode, which replaces a member of that name. Where nothing is known about `Customer`, every member is `unknown`.
 */
export type ApiKeyAuth<Customer extends object = object> = { readonly mode: 'api-key' } & MembersOf<Customer>;

/** Member by member, so that a union stays a union. */
type MembersOf<Customer> = Customer extends unknown
  ? Readonly<[keyof Customer] extends [never] ? Record<string, unknown> : Omit<Customer, 'mode'>>
  : never;

/** Who sent a request; `mode` tells the two apart. `Customer` is what `legacyKeyValidator` returns for a good key. */
export type Auth<Customer extends object = object> = XlinkAuth | ApiKeyAuth<Customer>;

/** What is known about how a request was authenticated, for metrics. */
export interface Outcome extends Omit<Authentication, 'outcome' | 'reason'> {
  /** Why the request was refused; absent if it was not. */
  readonly error?: XlinkError;
  /** Of a refused request: the form of what it came with in the place of a key. */
  readonly offered?: RequestEvent['offered'];
  /** Time spent on authentication, in ms. */
  readonly durationMs: number;
  /** The trace the request belongs to, 32 hex digits, where it is sampled. */
  readonly traceId?: string;
  /** What sent a request with a key, where the adapter keeps that (`keyUse`). No event holds it. */
  readonly sender?: { readonly software: string; readonly network?: string };
  /** Given by the adapter when it has decided: tells requests of this process apart. */
  readonly request?: number;
}

/** An outcome as observers and tracers are told. */
export const authenticationOf = ({ mode, method, error, ...rest }: Outcome): Authentication => {
  const { durationMs: _, traceId: __, request: ___, sender: ____, offered: _____, ...verified } = rest;
  return { mode, method, outcome: error ? 'refused' : 'accepted', reason: error?.id ?? 'ok', ...verified };
};

/** Header fields by name. */
export type Headers = Readonly<Record<string, string>>;

/** How an answer is sealed, for a caller that asks for that. */
export interface Sealing {
  /** Present if the caller asks for a sealed answer: seals what is answered. */
  readonly sealing?: AnswerSealer;
  /** What to send if that fails. */
  readonly sealFailure?: (error: unknown) => HttpResponse;
}

/** Let the request through. */
export interface Pass extends Sealing {
  readonly action: 'pass';
  readonly auth?: Auth;
  /** The opened message of an enveloped request. */
  readonly message?: AgentMessage;
  /** What takes the place of an enveloped body. */
  readonly content?: { readonly bytes: Uint8Array; readonly contentType: string };
  /** The same of a body that is still coming. */
  readonly stream?: StreamedContent;
  /**
   * Of a request that came with an envelope or a signature: the headers that take the place of those on the wire, the names that
   * are covered, and the headers of the signature itself.
   */
  readonly fields?: {
    readonly values: readonly Header[];
    readonly names: ReadonlySet<string>;
    readonly carriers?: readonly string[];
  };
  /** Headers for the response. */
  readonly headers: Headers;
  /** Absent where nothing was authenticated: preflights and skipped requests. */
  readonly outcome?: Outcome;
}

/** Why a request is refused, for an API that answers refusals in its own way. */
export interface Refusal {
  /** What is wrong, with `code`, `status`, `title` and `hint`; its `cause` is for the server's own log. */
  readonly error: XlinkError;
  /** The status that the refusal has by itself. */
  readonly status: number;
  /** Set on the response already: `WWW-Authenticate`, `Retry-After`, `Cache-Control`, and what callers with keys are told. */
  readonly headers: Headers;
  /** The problem document (RFC 9457) that is sent otherwise. */
  readonly problem: Readonly<Record<string, unknown>>;
}

/** Answer the request here; it must not reach a handler. Only answers of the adapter's own routes are to be sealed. */
export interface HttpResponse extends Sealing {
  readonly action: 'answer';
  readonly status: number;
  readonly headers: Headers;
  /** JSON; `application/problem+json` for refusals. */
  readonly body: string;
  /** Present for refusals that the API may answer in its own way. */
  readonly refusal?: Refusal;
  /** Absent for the routes of the adapter itself, as long as they succeed. */
  readonly outcome?: Outcome;
}

/** What is to be done with a request. */
export type Decision = Pass | HttpResponse;
