import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Did } from '../types/protocol.js';
import type { Role } from './roles.js';
import type { FromSchema, Schema } from './schema.js';

/** Who asks, as it was found out. */
export interface ApiCaller {
  /** By what: nothing, a token, or an envelope or signature of a DID. */
  readonly by: 'nobody' | 'token' | 'did';
  /** The id of the token, or the DID; the address block for nobody. */
  readonly id: string;
  /** Of a DID: whether it asked by envelope or signature. */
  readonly did?: Did;
  /** Absent: none. */
  readonly role?: Role;
}

/** One answer of a route. */
export interface AnswerShape {
  /** HTTP status. */
  readonly status: number;
  /** For the documentation. */
  readonly description: string;
  /** What is in it. Default: not said. */
  readonly schema?: Schema;
  /** Media type. Default `application/json`. */
  readonly type?: string;
}

/** What a route is given; everything was validated. */
export interface ApiAsked<Server, Params, Query, Body> {
  /** Parameters of the path, as `params` of the route has them. */
  readonly params: Params;
  /** Query parameters. */
  readonly query: Query;
  /** The JSON of the request. */
  readonly body: Body;
  /** Who asks. */
  readonly caller: ApiCaller;
  /** What the routes of this server work with. */
  readonly server: Server;
  /** The id of the route. */
  readonly route: string;
}

/** Members that a route has whatever it takes. `Access` and `ErrorId` are words of the server. */
export interface ApiRouteBase<Access extends string = string, ErrorId extends string = string> {
  /** `operationId` of the OpenAPI document; the name in {@link ApiOf}. */
  readonly id: string;
  /** HTTP method. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Parameters in braces: `/v1/agents/{did}`. */
  readonly path: string;
  /** Under which heading the documentation has it. */
  readonly tag: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** Who may: `public` is anyone; other words are of the server, most of them permissions of its role table. */
  readonly access: Access;
  /** Parameters of the path. Default none. */
  readonly params?: Readonly<Record<string, Schema>>;
  /** Query parameters; all are optional, and numbers are written in decimal. */
  readonly query?: Readonly<Record<string, Schema>>;
  /** JSON that it takes. Default: none is read. */
  readonly body?: Schema;
  /** Media type of a body that is not JSON, and that the route reads by itself. */
  readonly bodyType?: string;
  /** Largest body, in bytes. Default 256 KiB. */
  readonly maxBodyBytes?: number;
  /** The answer of `handle`. */
  readonly answer: AnswerShape;
  /** Other answers that are no problems. */
  readonly more?: readonly AnswerShape[];
  /** Whether it changes nothing although its method is not GET, as for a question that holds a secret: it is not in the audit log then. Default `false`. */
  readonly isQuestion?: boolean;
  /** Beside those that every route may refuse with. */
  readonly errors?: readonly ErrorId[];
}

/** A row of a route table: the validator, the OpenAPI document and the page of the documentation come from it. */
export interface ApiRoute<Access extends string = string, ErrorId extends string = string>
  extends ApiRouteBase<Access, ErrorId> {
  /** Resolves to what is answered as JSON. */
  readonly handle?: (asked: ApiAsked<never, never, never, never>) => unknown;
  /** Answers by itself, in the place of `handle`. Its body is parsed where it has a schema. */
  readonly raw?: (
    req: IncomingMessage,
    res: ServerResponse,
    asked: ApiAsked<never, never, never, never>,
  ) => unknown;
}

type Members<Schemas> =
  Schemas extends Readonly<Record<string, Schema>>
    ? { readonly [Name in keyof Schemas]: FromSchema<Schemas[Name]> }
    : Readonly<Record<string, never>>;

/** What a route of this shape is given. */
export type AskedOf<R, Server> = ApiAsked<
  Server,
  Members<R extends { params: infer P } ? P : undefined>,
  Partial<Members<R extends { query: infer Q } ? Q : undefined>>,
  R extends { body: infer B } ? FromSchema<B> : undefined
>;

/** What a route of this shape answers with. */
export type AnswerOf<R> = R extends { answer: { schema: infer S } } ? FromSchema<S> : unknown;

/** Makes the rows of one server, typed by their schemas. */
export interface RouteKit<Server, Access extends string, ErrorId extends string> {
  /** A row whose answer is JSON. */
  route<const R extends ApiRouteBase<Access, ErrorId>>(
    this: void,
    shape: R,
    handle: (asked: AskedOf<R, Server>) => AnswerOf<R> | Promise<AnswerOf<R>>,
  ): R & Pick<ApiRoute, 'handle' | 'raw'>;
  /** A row that answers by itself. */
  rawRoute<const R extends ApiRouteBase<Access, ErrorId>>(
    this: void,
    shape: R,
    raw: (req: IncomingMessage, res: ServerResponse, asked: AskedOf<R, Server>) => unknown,
  ): R & Pick<ApiRoute, 'handle' | 'raw'>;
}

/** {@link RouteKit} of a server. */
export const routeKit = <Server, Access extends string, ErrorId extends string>(): RouteKit<
  Server,
  Access,
  ErrorId
> => ({
  route: (shape, handle) => ({ ...shape, handle: handle as never }),
  rawRoute: (shape, raw) => ({ ...shape, raw: raw as never }),
});

/** What a client sends to and gets from each route of a table, by its id: `ApiOf<Table>['createToken']['body']`. */
export type ApiOf<Routes extends readonly ApiRouteBase[]> = {
  readonly [R in Routes[number] as R['id']]: {
    readonly method: R['method'];
    readonly path: R['path'];
    readonly params: AskedOf<R, unknown>['params'];
    readonly query: AskedOf<R, unknown>['query'];
    readonly body: AskedOf<R, unknown>['body'];
    readonly answer: AnswerOf<R>;
  };
};
