import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { xlinkError } from '../errors/errors.js';
import type { ClientId, Did, Scope } from '../types/protocol.js';
import { checkOptions, isFunction, type OptionCheck, oneOf } from '../util/options.js';
import { adapterIn } from './adapter-in.js';
import {
  ENROLLED_CLIENT_OPTIONS,
  type EnrolledClientOptions,
  enrollClient,
  type NewClient,
  newClient,
} from './enrolled-client.js';
import { onTheWire, type PlainRequest, type WireRequest } from './request-forms.js';
import type { RequestForm } from './signing.js';
import { isFetchApp, isInjectApp, type TestedApp } from './tested-app.js';
import { type Supertest, type SupertestRequest, supertestOf } from './through-supertest.js';

/** Options of {@link signedRequest}. */
export interface SignedRequestOptions {
  /** Default: the one that stands in the app. Pass it where it is not seen, such as behind `koa-mount` or in an app below another one. */
  readonly adapter?: BaseDualModeAdapter;
  /** Default: `supertest` as it is installed beside the app. */
  readonly supertest?: Supertest;
}

/** Options of {@link SignedRequests.as}. */
export interface SignAsOptions extends EnrolledClientOptions {
  /** Default `sealed`. */
  readonly form?: RequestForm;
  /** What each request is for: one scope, or `*`, all that was granted. Default `*`. */
  readonly scope?: Scope;
}

/** Who may call the app. */
export interface SignedRequests {
  /**
   * A client by the id that the key validator would return, with an identity that is enrolled at its first request. Throws
   * `INVALID_OPTION`.
   */
  as(client: ClientId, options?: SignAsOptions): SignedCaller;
  /** An identity that nobody enrolled. */
  asStranger(options?: Omit<SignAsOptions, 'scopes'>): SignedCaller;
}

/**
 * Requests to an app under test in the name of its clients, with no key and no server to start:
 *
 * ```ts
 * const acme = signedRequest(app).as('acme', { scopes: ['orders:write'] });
 * await acme.post('/orders').send({ item: 7 }).expect(201); // supertest: Express, Koa, Nest, Node's http
 * const answer = await acme.inject({ url: '/orders' });      // light-my-request: Fastify
 * const response = await acme.fetch('/orders');              // Hono
 * ```
 *
 * Answers come as handlers write them, not sealed. Throws `INVALID_OPTION`.
 */
export function signedRequest(app: TestedApp, options: SignedRequestOptions = {}): SignedRequests {
  checkOptions('signedRequest', options, {
    adapter: (value) => (value instanceof Object ? undefined : 'a DualModeAdapter'),
    supertest: isFunction,
  });
  return {
    as: (client, as = {}) => new SignedCaller(app, client, as, options),
    asStranger: (as = {}) => new SignedCaller(app, undefined, as, options),
  };
}

const isScope: OptionCheck = (value) => (isScopeOrAll(value) ? undefined : 'a scope, or *');

/** One identity that calls an app under test. Each {@link SignedRequests.as} makes another one; keep it for further requests. */
export class SignedCaller {
  readonly #app: TestedApp;
  readonly #client: ClientId | undefined;
  readonly #as: SignAsOptions;
  readonly #options: SignedRequestOptions;
  #caller: Promise<NewClient> | undefined;

  /** @internal */
  constructor(
    app: TestedApp,
    client: ClientId | undefined,
    as: SignAsOptions,
    options: SignedRequestOptions,
  ) {
    checkOptions('signedRequest.as', as, {
      ...ENROLLED_CLIENT_OPTIONS,
      form: oneOf('sealed', 'header', 'signature'),
      scope: isScope,
    });
    this.#app = app;
    this.#client = client;
    this.#as = as;
    this.#options = options;
  }

  /** The DID of its identity. */
  async did(): Promise<Did> {
    return (await this.#enrolled()).did;
  }

  /**
   * The request with its proof, good once: for `inject` of light-my-request, `fetch`, or whatever else sends requests. The body is
   * bytes or text by then.
   */
  async sign(request: PlainRequest): Promise<WireRequest> {
    const caller = await this.#enrolled();
    const { parts } = this.#adapter();
    const { form = 'sealed', scope = '*', clock = parts.clock ?? Date.now } = this.#as;
    return onTheWire(request, { caller, service: await parts.agent.ready(), scope, form, now: clock });
  }

  /** By supertest; so are the others. Throws `INVALID_OPTION` if it is not installed. */
  get(path: string): SupertestRequest {
    return this.#supertest('get', path);
  }
  /** As {@link SignedCaller.get}. */
  head(path: string): SupertestRequest {
    return this.#supertest('head', path);
  }
  /** As {@link SignedCaller.get}. */
  post(path: string): SupertestRequest {
    return this.#supertest('post', path);
  }
  /** As {@link SignedCaller.get}. */
  put(path: string): SupertestRequest {
    return this.#supertest('put', path);
  }
  /** As {@link SignedCaller.get}. */
  patch(path: string): SupertestRequest {
    return this.#supertest('patch', path);
  }
  /** As {@link SignedCaller.get}. */
  delete(path: string): SupertestRequest {
    return this.#supertest('delete', path);
  }

  /** By `app.inject` of Fastify (light-my-request), and what that resolves to. Rejects with `INVALID_OPTION` for other apps. */
  async inject<Answer = InjectAnswer>(request: PlainRequest | string): Promise<Answer> {
    const app = this.#app;
    if (!isInjectApp(app))
      return wrongApp('inject', 'a Fastify app; for others, inject(app, await caller.sign(…))');
    await app.ready?.(); // the adapter is there by then
    return app.inject(
      await this.sign(typeof request === 'string' ? { url: request } : request),
    ) as Promise<Answer>;
  }

  /** By `app.fetch`, as Hono has it. Rejects with `INVALID_OPTION` for other apps. */
  async fetch(path: string, request: Omit<PlainRequest, 'url'> = {}): Promise<Response> {
    const app = this.#app;
    if (!isFetchApp(app)) return wrongApp('fetch', 'an app with fetch, such as that of Hono');
    const { url, ...init } = await this.sign({ ...request, url: path });
    return app.fetch(new Request(new URL(url, 'http://localhost'), init as RequestInit));
  }

  #supertest(method: string, path: string): SupertestRequest {
    return supertestOf(this.#app, this.#options.supertest, (request) => this.sign(request), method, path);
  }

  #adapter(): BaseDualModeAdapter {
    return this.#options.adapter ?? adapterIn(this.#app);
  }

  #enrolled(): Promise<NewClient> {
    this.#caller ??= this.#make();
    return this.#caller;
  }

  async #make(): Promise<NewClient> {
    const adapter = this.#adapter();
    const caller = await newClient(adapter, this.#client ?? 'stranger', this.#as);
    if (this.#client !== undefined) await enrollClient(adapter, caller, this.#as.scopes);
    return caller;
  }
}

/** What `inject` of light-my-request resolves to; the parts that tests read. */
export interface InjectAnswer {
  /** Status. */
  readonly statusCode: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  /** The body as text. */
  readonly body: string;
  /** The body as JSON says. */
  // biome-ignore lint/suspicious/noExplicitAny: as light-my-request has it
  json(): any;
}

function wrongApp(name: string, needs: string): never {
  throw xlinkError('INVALID_OPTION', { field: 'app', hint: `signedRequest().as().${name} needs ${needs}.` });
}
