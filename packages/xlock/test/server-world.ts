// An auth server on a free port, whose every answer is held against its OpenAPI document.
import { createRequire } from 'node:module';
import { expect } from '@jest/globals';
import { Identity, MemoryLimitStore, MemoryOperationsStore, type OperationsStore } from '@private.me/xlink';
import { AuditLog } from '@private.me/xlink/audit';
import { jsonLogger, RouteFinder } from '@private.me/xlink/http-api';
import { codeRoutes } from '../src/server/code-routes.js';
import { XLOCK_ROUTES, XlockServer, type XlockServerOptions } from '../src/server/index.js';
import { afterTest, deviceOf, identityOf, listen, moodies, seedOf, temporaryFolder } from './support.js';

const { default: Ajv } = createRequire(import.meta.url)('ajv/dist/2020.js');
const CODES = codeRoutes({ offline: true, sender: { send() {} } });
const finder = new RouteFinder([...XLOCK_ROUTES, ...CODES]);

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  readonly body: any;
}

export async function serverWorld(
  options: Partial<XlockServerOptions> = {},
  documents: OperationsStore = new MemoryOperationsStore(),
) {
  const identity = await identityOf('service');
  const whole = await Identity.fromSeed(seedOf('log'));
  const audit = await AuditLog.open({
    folder: await temporaryFolder(),
    identity: whole,
    organization: whole,
  });
  afterTest(() => audit.close());
  const storage = { identity, documents, limits: new MemoryLimitStore(), audit, close: async () => {} };
  let handler: XlockServer['handler'] | undefined;
  const { url } = await listen((req, res) => handler!(req, res));
  const server = new XlockServer({
    storage,
    origin: url,
    logger: jsonLogger(() => {}),
    version: '1.2.3',
    verifier: { denialPauseMs: 0, maxPushes: 100 },
    ...options,
  });
  ({ handler } = server);
  const admin = (await server.firstToken())?.token ?? '';
  // biome-ignore lint/suspicious/noExplicitAny: it is looked into by path
  const document = server.parts.document() as any;
  const ajv = new Ajv({ strict: false });
  ajv.addSchema(document, 'api');

  /** Asks, and checks that the answer is one that the document names. */
  async function call(method: string, path: string, body?: unknown, token = admin): Promise<Answer> {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = response.headers.get('content-type')?.split(';')[0] ?? '';
    const value = /json$/.test(type) ? JSON.parse(text) : text;
    const { route } = finder.find(method, path.split('?')[0]!);
    const named = document.paths[route.path]?.[route.method.toLowerCase()];
    if (!named) return { status: response.status, body: value }; // not served here
    const { responses } = named;
    const shape = (responses[response.status] ?? responses.default).content?.[type]?.schema;
    if (/json$/.test(type)) {
      expect({ path, status: response.status, type, isNamed: shape !== undefined }).toMatchObject({
        isNamed: true,
      });
      const pointer = `api#/paths/${route.path.replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/${route.method.toLowerCase()}/responses/${responses[response.status] ? response.status : 'default'}/content/${type.replace('/', '~1')}/schema`;
      const validate = ajv.getSchema(pointer);
      expect(validate).toBeDefined();
      validate!(value);
      expect({ path, errors: validate!.errors }).toEqual({ path, errors: null });
    }
    return { status: response.status, body: value };
  }
  return { url, server, admin, call, audit, document };
}

/** Posts what a device answers; rejects with the id of a problem. */
export const post = (url: string) => async (answer: unknown) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answer),
  });
  if (!response.ok) throw Object.assign(new Error('refused'), { id: (await response.json()).id });
};

/** A server with ada, who has a phone. */
export async function registeredWorld(...args: Parameters<typeof serverWorld>) {
  const world = await serverWorld(...args);
  const stores = moodies();
  const device = await deviceOf('phone', { stores });
  const { body } = await world.call('POST', '/v1/register/challenge', { userId: 'ada' });
  const { did } = (await device.register(body.appLink, { send: post(`${world.url}/v1/register`) })) as {
    did: string;
  };
  return { ...world, device, did, stores };
}

/** Logs ada in; the token of the session. */
export async function loggedIn({
  call,
  url,
  device,
}: Pick<Awaited<ReturnType<typeof registeredWorld>>, 'call' | 'url' | 'device'>): Promise<string> {
  const login = (await call('POST', '/v1/auth/challenge', { userId: 'ada' })).body;
  const send = post(`${url}/v1/answer`);
  await device.approve(login.appLink, { digits: login.match, seenOrigin: url, send });
  return (await call('GET', `/v1/auth/${login.id}`)).body.token;
}
