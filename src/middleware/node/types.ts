/** The parts of Node's `IncomingMessage` that are used, and what Express and body parsers add to it. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  /** Names and values in turn, a pair for each line. */
  readonly rawHeaders?: string[];
  /** HTTP/1 only. */
  readonly headersDistinct?: Record<string, string[] | undefined>;
  readonly complete: boolean;
  /** Names and values in turn. */
  readonly rawTrailers?: readonly string[];
  readonly destroyed: boolean;
  readonly readableEnded: boolean;
  /** Of all streams of Node's; `ended`: the last bytes are known. */
  readonly _readableState?: { readonly ended?: boolean } | undefined;
  readonly socket?:
    | {
        readonly remoteAddress?: string | undefined;
        readonly destroyed?: boolean | undefined;
        once?(event: string, listener: () => void): unknown;
        removeListener?(event: string, listener: () => void): unknown;
      }
    | undefined;
  /** HTTP/2 only. */
  readonly stream?:
    | {
        readonly endAfterHeaders: boolean;
        readonly readableEnded: boolean;
        readonly destroyed?: boolean | undefined;
        once?(event: string, listener: () => void): unknown;
        removeListener?(event: string, listener: () => void): unknown;
      }
    | undefined;
  read(): unknown;
  unshift(chunk: Uint8Array): unknown;
  destroy(): unknown;
  resume?(): unknown;
  // `any`: @types/node 25 and later give each event a listener type of its own, which `never` and `unknown` do not fit.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  on(event: string, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  removeListener(event: string, listener: (...args: any[]) => void): unknown;
}

/** A request whose body Node itself pushes into its stream. */
export interface PushedRequest extends Omit<NodeRequest, 'destroy' | 'socket'> {
  readonly socket?: NodeRequest['socket'] & { readonly _paused?: boolean; resume?(): unknown };
  readonly readableLength: number;
  readonly readableFlowing: boolean | null;
  listenerCount(event: string): number;
  /** HTTP/1: Node throws away what still comes. */
  readonly _dumped?: boolean;
  push(chunk: Uint8Array | null): boolean;
  _read(size: number): void;
  destroy(error?: unknown): unknown;
}

/** The parts of Node's `ServerResponse` that are used. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  /** Whether the handler has ended the response. */
  readonly writableEnded: boolean;
  readonly closed: boolean;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string): unknown;
  end(body?: string): unknown;
  once(event: string, listener: () => void): unknown;
}

/** What is used of it behind Koa besides. */
export interface KoaResponse extends NodeResponse {
  writeHead(...args: unknown[]): unknown;
}

/** Where a body parser leaves what it read. */
export interface BodyHolder {
  body?: unknown;
  rawBody?: unknown;
}

/** What Express, routers and parsers hang onto a request. */
export interface RequestExtras extends BodyHolder {
  originalUrl?: string;
  baseUrl?: string;
  route?: { path?: unknown };
  params?: Record<string, unknown>;
  auth?: unknown;
  agentMessage?: unknown;
}
