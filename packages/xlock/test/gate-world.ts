import type { RequestListener } from 'node:http';
import {
  type VerifiedRegistration,
  XlockGate,
  XlockVerifier,
  type XlockVerifierOptions,
} from '../src/index.js';
import { identityOf, listen } from './support.js';

/** Puts a gate before an application. */
export type Mount = (gate: XlockGate) => Promise<RequestListener>;

/** Without a framework: who is let in gets the session. */
export const plain: Mount = async (gate) => async (request, response) => {
  const pass = await gate.pass(request, response);
  if (pass) response.end(JSON.stringify(pass.session ?? {}));
};

/** A service whose origin is where it really listens, and a browser with cookies. */
export async function service(
  mount: Mount,
  options: object = {},
  verifierOptions: Partial<XlockVerifierOptions> = {},
) {
  let handler: RequestListener = (_, response) => void response.writeHead(503).end();
  const { url } = await listen((request, response) => handler(request, response));
  const registrations: VerifiedRegistration[] = [];
  const verifier = new XlockVerifier({
    origin: url,
    identity: await identityOf('shop'),
    denialPauseMs: 0,
    ...verifierOptions,
  });
  const gate = new XlockGate({
    verifier,
    loginPage: '/login',
    waitMs: 5000,
    onRegistered: (registration) => void registrations.push(registration),
    ...options,
  });
  handler = await mount(gate);
  const cookies = new Map<string, string>();
  const browse = async (path: string, init: RequestInit = {}) => {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const headers = { cookie, ...(init.body ? { 'content-type': 'application/json' } : {}), ...init.headers };
    const response = await fetch(url + path, { redirect: 'manual', ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      cookies.set(name!, value!);
    }
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? text.startsWith('{');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text ? JSON.parse(text) : undefined,
    };
  };
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    browse(path, { method: 'POST', body: JSON.stringify(body), headers });
  return { url, verifier, gate, registrations, browse, post, cookies };
}
