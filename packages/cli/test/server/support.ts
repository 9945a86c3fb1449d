import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as ask, createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { Agent, MemoryTrustRegistry, type Result } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import { jsonLogger, RouteFinder } from '@private.me/xlink/http-api';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { documentOf } from '../../src/server/document.js';
import { createIdentityServer, type IdentityServerOptions } from '../../src/server/identity-server.js';
import type { Role } from '../../src/server/roles.js';
import { ROUTES } from '../../src/server/routes/index.js';
import { openStorage } from '../../src/server/storage.js';

const closers: (() => unknown)[] = [];

/** Closed after the test, the last one first. */
export const afterTest = (close: () => unknown): void => void closers.push(close);

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-server-'));
  afterTest(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

export const seedOf = (name: string) =>
  new Uint8Array(createHash('sha256').update(`server ${name}`).digest());

export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

/** Says what is wrong with an answer of the server, by its own document. */
export class DocumentCheck {
  readonly #finder = new RouteFinder(ROUTES);
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, formats: {} });
  readonly #document = documentOf(ROUTES, { version: '0.0.0', url: 'http://localhost' }) as {
    readonly paths: Record<string, Record<string, { readonly responses: Record<string, ResponseShape> }>>;
  };
  readonly #validators = new Map<object, ValidateFunction>();

  constructor() {
    this.#ajv.addSchema(this.#document, 'document');
  }

  /** Throws what is wrong. Paths that the document does not have must be refused with a problem. */
  check(
    method: string,
    target: string,
    { status, headers }: Pick<Response, 'status' | 'headers'>,
    text: string,
  ): void {
    if (method === 'OPTIONS' || method === 'HEAD') return;
    const type = headers.get('content-type')?.split(';')[0];
    const response = this.#responseOf(method, target.split('?')[0]!, status);
    const content = response?.content?.[type ?? ''];
    const place = `${method} ${target} ${status} ${type}: ${text.slice(0, 300)}`;
    if (response && !response.content && text === '') return;
    if (!content) throw new Error(`not in the document: ${place}`);
    if (type === 'text/html' || type === 'text/plain' || /javascript|css/.test(type!)) return;
    let validate = this.#validators.get(content.schema);
    if (!validate)
      this.#validators.set(content.schema, (validate = this.#ajv.compile(this.#rooted(content.schema))));
    if (!validate(JSON.parse(text))) throw new Error(`${place}\n${this.#ajv.errorsText(validate.errors)}`);
  }

  #rooted(schema: object): object {
    return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components'));
  }

  #responseOf(method: string, path: string, status: number): ResponseShape | undefined {
    try {
      const { route } = this.#finder.find(method, path);
      const { responses } = this.#document.paths[route.path]![route.method.toLowerCase()]!;
      return responses[status] ?? responses['default'];
    } catch {
      return this.#document.paths['/health']!['get']!.responses['default'];
    }
  }
}

interface ResponseShape {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect
  readonly json: any;
}

const check = new DocumentCheck();

interface Sent {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Sends a request with its target as it is, and checks the answer by the document. */
export async function request(
  url: string,
  method: string,
  target: string,
  { token, body, headers = {} }: Sent = {},
): Promise<Answer> {
  const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const sent = ask(url, {
    method,
    path: target,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined || typeof body === 'string' ? {} : { 'content-type': 'application/json' }),
      ...(content === undefined ? {} : { 'content-length': String(Buffer.byteLength(content)) }), // Node sends none with DELETE
      ...headers,
    },
  });
  sent.end(content);
  const [response] = (await once(sent, 'response').catch((cause: unknown) => {
    throw new Error(
      `no answer: ${method} ${target} ${JSON.stringify(headers)} ${String(body).slice(0, 200)}`,
      { cause },
    );
  })) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const answer = {
    status: response.statusCode!,
    headers: new Headers(response.headers as Record<string, string>),
  };
  check.check(method, target, answer, text);
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { ...answer, text, json: isJson && text !== '' ? JSON.parse(text) : undefined };
}

export type TestServer = Awaited<ReturnType<typeof startHere>>;

export const AGENT_KEY = new Uint8Array(32).fill(7);

/** A server in this process, on a free port, with files in a folder of its own. */
export async function startHere(
  options: Partial<IdentityServerOptions> & { readonly data?: string; readonly store?: string } = {},
) {
  const { data = await temporaryFolder(), store, ...rest } = options;
  const lines: string[] = [];
  const quiet = { out: () => {}, err: (line: string) => void lines.push(line) };
  const storage = await openStorage({ data, store }, quiet);
  const http = createServer({ maxHeaderSize: 32 * 1024 });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const url = `http://localhost:${port}`;
  const server = await createIdentityServer({
    storage,
    publicUrl: url,
    logger: jsonLogger((line) => void lines.push(line)),
    version: '0.1.0',
    agentKey: AGENT_KEY,
    limits: { perAddress: 1_000_000, perCaller: 1_000_000 },
    onLost: () => {},
    ...rest,
  }).catch(async (error: unknown) => {
    http.close();
    await storage.close();
    throw error;
  });
  http.on('request', server.handler).on('upgrade', server.upgrade);
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    server.stop();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await server.close();
  };
  afterTest(close);
  const admin = (await server.access.makeFirst())?.token ?? '';
  const tokenOf = async (role: Role) => (await server.access.makeToken({ name: role, role })).token;
  return {
    url,
    data,
    storage,
    server,
    admin,
    tokenOf,
    close,
    log: () => lines.join('\n'),
    get: (target: string, token: string | undefined = admin) => request(url, 'GET', target, { token }),
    send: (method: string, target: string, body?: unknown, token: string | undefined = admin) =>
      request(url, method, target, { token, body }),
  };
}

/** A DID of its own that the server knows, and a `fetch` that speaks for it by envelope. */
export async function memberOf({ url, storage }: TestServer, name: string, scopes: readonly string[] = []) {
  const agent = unwrap(
    await Agent.fromSeed({
      seed: seedOf(name),
      name,
      registry: new MemoryTrustRegistry(),
      sendScopes: scopes,
    }),
  );
  const keys = await agent.keyRecord();
  unwrap(
    await storage.registry.register({ did: agent.did, keys, name, sendScopes: scopes, receiveScopes: ['*'] }),
  );
  const call = xlinkFetch({ baseUrl: url, agent });
  const send = async (method: string, target: string, body?: unknown): Promise<Answer> => {
    const response = await call(target, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    check.check(method, target, response, text);
    return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
  };
  return { agent, did: agent.did, keys, send };
}
