import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type Koa from 'koa';
import type { Trace } from './trace.js';

// One application and one request, as a row of a table. Each row runs without the adapter and with it.

export type Protocol = 'HTTP/1.1' | 'HTTP/2';

/** How a request comes: without the adapter; by key; by an envelope that is the body; by an envelope in a header. */
export type Way = 'plain' | 'key' | 'body form' | 'header form';

/** What is compared. */
export type Part =
  | 'status'
  | 'reason'
  | 'headers'
  | 'order of headers'
  | 'body'
  | 'broken'
  | 'interim'
  | 'trailers'
  | 'trace'
  | 'request'
  | 'log';

/** The request of a caller. GET of `/orders`, or POST if it has a body. Names of headers are in lower case. */
export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** The caller goes away when the first bytes of the body are there. */
  readonly leaves?: boolean;
}

/** A request, or what makes it of the answer to the one before. */
export type Step = Ask | ((before: { readonly headers: readonly (readonly [string, string])[] }) => Ask);

export interface ExpressParts {
  /** In front of the adapter. */
  readonly before?: readonly RequestHandler[];
  /** Behind it. */
  readonly behind?: readonly RequestHandler[];
  readonly handler: RequestHandler;
  readonly errors?: readonly ErrorRequestHandler[];
}

export interface KoaParts {
  readonly before?: readonly Koa.Middleware[];
  readonly behind?: readonly Koa.Middleware[];
  readonly handler: Koa.Middleware;
  readonly set?: (app: Koa) => void;
}

export type NodeHandler = (req: IncomingMessage, res: ServerResponse) => unknown;

export interface Row {
  readonly name: string;
  /** Default: one GET of `/orders`. */
  readonly asks?: Step | readonly Step[];
  /** The application, made anew for each run: with Express 4 and 5, with Koa 2 and 3, or with Node's own response in all four. */
  readonly express?: (trace: Trace) => ExpressParts;
  readonly koa?: (trace: Trace) => KoaParts;
  readonly node?: (trace: Trace) => NodeHandler;
  /** Where it runs, if not everywhere, and why not. */
  readonly only?: { readonly protocol?: Protocol; readonly frameworks?: RegExp; readonly why: string };
  /** Headers whose values are not compared, each with the reason. */
  readonly values?: Readonly<Record<string, string>>;
  /** Parts that are not compared, each with the reason. */
  readonly leavesOut?: Partial<Record<Part, string>>;
  /** Where the adapter is known to differ, and why that stays. It fails where there is no difference. */
  readonly differs?: Partial<Record<Exclude<Way, 'plain'>, string>>;
  /** Where it differs, if not over both. */
  readonly differsOver?: Protocol;
}
