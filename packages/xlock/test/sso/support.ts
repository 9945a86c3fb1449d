import type { RequestListener } from 'node:http';
import { MemoryOperationsStore } from '@private.me/xlink';
import * as client from 'openid-client';
import { type XlockDevice, XlockVerifier, type XlockVerifierOptions } from '../../src/index.js';
import { type OidcClient, type XlockOidcOptions, xlockOidc } from '../../src/sso/index.js';
import { deviceOf, identityOf, listen } from '../support.js';

const warn = console.warn;
// oidc-provider says so of Node 20, where it works all the same.
console.warn = (...words) => /Unsupported runtime/.test(String(words[0])) || warn(...words);

/** A listener that can be set later, and where it listens. */
export async function place(): Promise<{ url: string; serve: (listener: RequestListener) => void }> {
  let handler: RequestListener = (_, response) => void response.writeHead(503).end();
  const { url } = await listen((request, response) => handler(request, response));
  return {
    url,
    serve: (listener) => {
      handler = listener;
    },
  };
}

/** A verifier at an origin, with a device of Ada's that is pushed to. */
export async function adaAt(origin: string, options: Partial<XlockVerifierOptions> = {}) {
  const pushed: string[] = [];
  const verifier = new XlockVerifier({
    origin,
    identity: await identityOf('sso'),
    denialPauseMs: 0,
    maxPushes: 100,
    push: { send: async (_, text) => void pushed.push(text) },
    ...options,
  });
  const device = await deviceOf('phone');
  const { text } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  const registered = await verifier.verifyRegistration(await device.register(text));
  return { verifier, device, pushed, did: registered.value!.did };
}

/** The user types the digits that she sees on the device that was pushed to. */
export async function approve(
  ada: { verifier: XlockVerifier; device: XlockDevice; pushed: string[] },
  digits: string,
): Promise<void> {
  const challenge = ada.pushed.at(-1)!;
  await ada.verifier.respond(await ada.device.approve(challenge, { digits }));
}

/** A browser without a screen: keeps cookies by origin and path, follows nothing by itself. */
export class Tab {
  readonly #cookies = new Map<string, { name: string; value: string; path: string; origin: string }>();

  /** What it would send there. */
  cookieFor(url: string): string {
    const { origin, pathname } = new URL(url);
    const mine = [...this.#cookies.values()].filter(
      ({ origin: of, path }) =>
        of === origin && (pathname === path || pathname.startsWith(path.replace(/\/?$/, '/'))),
    );
    return mine.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  async go(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url);
    const cookie = this.cookieFor(url);
    const response = await fetch(url, { redirect: 'manual', ...init, headers: { cookie, ...init.headers } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line)!;
      const path = /; path=([^;]*)/i.exec(line)?.[1] ?? '/';
      const key = `${origin} ${path} ${name}`;
      if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(line)) this.#cookies.delete(key);
      else this.#cookies.set(key, { name, value, path, origin });
    }
    return response;
  }

  /** A request of the page itself. */
  async post(url: string, body: unknown = {}): Promise<{ status: number; body: Record<string, never> }> {
    const { origin } = new URL(url);
    const headers = { origin, 'content-type': 'application/json' };
    const response = await this.go(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: JSON.parse(await response.text()) };
  }

  /** Follows redirects as long as they stay at an origin; the address at the end, and what was there. */
  async follow(url: string): Promise<{ url: string; response: Response | undefined }> {
    const { origin } = new URL(url);
    for (let at = url; ; ) {
      if (new URL(at).origin !== origin) return { url: at, response: undefined };
      const response = await this.go(at);
      const location = response.headers.get('location');
      if (!location) return { url: at, response };
      at = new URL(location, at).href;
    }
  }
}

const { privateKey: signing } = await crypto.subtle
  .generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
  .then((pair) => pair as CryptoKeyPair);
/** A key of the provider, so that most tests need not wait for an RSA key. */
export const JWKS = {
  keys: [{ ...(await crypto.subtle.exportKey('jwk', signing)), alg: 'ES256', use: 'sig' }],
};
for (const key of JWKS.keys)
  for (const name of ['key_ops', 'ext']) delete (key as Record<string, unknown>)[name];

export const RP = 'http://127.0.0.1:9'; // nobody is there: what is sent there is read from the redirect
export const CLIENT: OidcClient = {
  client_id: 'shop',
  client_name: 'Acme Shop',
  client_secret: 'a secret of thirty-two letters ok'.replaceAll(' ', '-'),
  redirect_uris: [`${RP}/callback`],
  post_logout_redirect_uris: [`${RP}/out`],
};

/** A provider of OpenID, a client as `openid-client` sees it, and what its user needs. */
export async function world(
  options: Partial<XlockOidcOptions> = {},
  verifierOptions: Partial<XlockVerifierOptions> = {},
) {
  const { url, serve } = await place();
  const issuer = `${url}/oidc`;
  const store = new MemoryOperationsStore();
  const ada = await adaAt(url, { store, ...verifierOptions });
  const { verifier } = ada;
  const oidc = await xlockOidc({
    verifier,
    issuer,
    clients: [CLIENT],
    store,
    jwks: JWKS,
    waitMs: 5000,
    ...options,
  });
  serve(oidc.handler);
  const config = await client.discovery(new URL(issuer), CLIENT.client_id, CLIENT.client_secret, undefined, {
    execute: [client.allowInsecureRequests],
  });

  /** What `openid-client` begins a login with. */
  async function begin(parameters: Record<string, string> = {}) {
    const verifierText = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const nonce = client.randomNonce();
    const to = client.buildAuthorizationUrl(config, {
      redirect_uri: CLIENT.redirect_uris[0]!,
      scope: 'openid profile offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifierText),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...parameters,
    });
    const checks = { pkceCodeVerifier: verifierText, expectedState: state, expectedNonce: nonce };
    return { to: to.href, checks };
  }

  /** Walks a tab through a login that Ada approves; where the browser is sent in the end. */
  async function signIn(tab: Tab, to: string): Promise<string> {
    const page = await tab.follow(to);
    if (!page.response) return page.url; // signed in already
    const { body } = await tab.post(`${page.url}/login`, { userId: 'ada' });
    await approve(ada, body['match']!);
    const { body: state } = await tab.post(`${page.url}/state`);
    return (await tab.follow(state['next']!)).url;
  }

  return { ...ada, url, issuer, store, config, begin, signIn };
}

/** The `error` that a promise of `openid-client` fails with. */
export const errorOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: { error?: string; code?: string }) => error.error ?? error.code ?? String(error),
  );
