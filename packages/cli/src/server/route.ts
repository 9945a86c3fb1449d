import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Did, ErrorId } from '@private.me/xlink';
import type { ServerErrorId } from './errors.js';
import type { ServerParts } from './parts.js';
import type { Access, Role } from './roles.js';
import type { FromSchema, Schema } from './schema.js';

/** Who asks, as it was found out. */
export interface Caller {
  /** By what: nothing, a token, or an envelope or signature of a DID. */
  readonly by: 'nobody' | 'token' | 'did';
  /** The id of the token, or the DID; the address block for nobody. */
  readonly id: string;
  /** Of a DID: whether it asked by envelope or signature. */
  readonly did?: Did;
  readonly role?: Role;
}

/** One answer of a route. */
export interface AnswerShape {
  readonly status: number;
  readonly description: string;
  readonly schema?: Schema;
  /** Default `application/json`. */
  readonly type?: string;
}

/** What a route is given; everything was validated. */
export interface Asked<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  readonly server: ServerParts;
  /** The id of the route. */
  readonly route: string;
}

/** Members that a route has whatever it takes. */
export interface RouteBase {
  /** `operationId` of the OpenAPI document; the name in `ServerApi`. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Parameters in braces: `/v1/agents/{did}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly access: Access;
  readonly params?: Readonly<Record<string, Schema>>;
  /** Query parameters; all are optional, and numbers are written in decimal. */
  readonly query?: Readonly<Record<string, Schema>>;
  readonly body?: Schema;
  /** Media type of a body that is not JSON, and that the route reads by itself. */
  readonly bodyType?: string;
  /** Largest body, in bytes. Default 256 KiB. */
  readonly maxBodyBytes?: number;
  /** The answer of `handle`. */
  readonly answer: AnswerShape;
  /** Other answers that are no problems. */
  readonly more?: readonly AnswerShape[];
  /** Beside those that every route may refuse with. */
  readonly errors?: readonly (ServerErrorId | ErrorId)[];
}

/** A row of the route table. */
export interface Route extends RouteBase {
  /** Resolves to what is answered as JSON. */
  readonly handle?: (asked: Asked<never, never, never>) => unknown;
  /** Answers by itself, in the place of `handle`: what the library serves, and what is not JSON. Its body is parsed where it has a schema. */
  readonly raw?: (req: IncomingMessage, res: ServerResponse, asked: Asked<never, never, never>) => unknown;
}

type Members<Schemas> =
  Schemas extends Readonly<Record<string, Schema>>
    ? { readonly [Name in keyof Schemas]: FromSchema<Schemas[Name]> }
    : Readonly<Record<string, never>>;

type AskedOf<R> = Asked<
  Members<R extends { params: infer P } ? P : undefined>,
  Partial<Members<R extends { query: infer Q } ? Q : undefined>>,
  R extends { body: infer B } ? FromSchema<B> : undefined
>;

type Awaitable<T> = T | Promise<T>;

/** A row whose handler is typed by its schemas. */
export function route<const R extends RouteBase>(
  shape: R,
  handle: (
    asked: AskedOf<R>,
  ) => Awaitable<R extends { answer: { schema: infer S } } ? FromSchema<S> : unknown>,
): R & Pick<Route, 'handle' | 'raw'> {
  return { ...shape, handle: handle as never };
}

/** A row that answers by itself. */
export function rawRoute<const R extends RouteBase>(
  shape: R,
  raw: (req: IncomingMessage, res: ServerResponse, asked: AskedOf<R>) => unknown,
): R & Pick<Route, 'handle' | 'raw'> {
  return { ...shape, raw: raw as never };
}

/** What a client sends to and gets from each route, by its id: `ServerApi['createAgent']['body']`. */
export type ApiOf<Routes extends readonly Route[]> = {
  readonly [R in Routes[number] as R['id']]: {
    readonly method: R['method'];
    readonly path: R['path'];
    readonly params: AskedOf<R>['params'];
    readonly query: AskedOf<R>['query'];
    readonly body: AskedOf<R>['body'];
    readonly answer: R extends { answer: { schema: infer S } } ? FromSchema<S> : unknown;
  };
};
