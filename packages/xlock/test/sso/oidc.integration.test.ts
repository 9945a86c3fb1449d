// The OpenID provider by openid-client, as services use it, and what attackers try.
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import express from 'express';
import * as client from 'openid-client';
import { postAnswer, XlockVerifier, xlockExpress } from '../../src/index.js';
import { type XlockOidcOptions, xlockOidc } from '../../src/sso/index.js';
import { identityOf, listen } from '../support.js';
import { adaAt, CLIENT, errorOf, JWKS, place, RP, Tab, world } from './support.js';

test('a login: claims, a second service without asking again, refresh tokens that rotate', async () => {
  const { config, begin, signIn, pushed } = await world();
  const tab = new Tab();
  const first = await begin({ prompt: 'consent' });
  const back = await signIn(tab, first.to);
  const tokens = await client.authorizationCodeGrant(config, new URL(back), first.checks);
  expect(tokens.claims()).toMatchObject({ sub: 'ada', aud: 'shop', amr: ['swk', 'mca', 'user'] });
  expect(await client.fetchUserInfo(config, tokens.access_token, 'ada')).toMatchObject({
    sub: 'ada',
    preferred_username: 'ada',
  });

  // The session answers the second login at once; nothing is pushed.
  const again = await begin();
  expect(new URL(await signIn(tab, again.to)).searchParams.has('code')).toBe(true);
  expect(pushed).toHaveLength(1);

  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token!);
  expect(fresh.refresh_token).not.toBe(tokens.refresh_token);
  // The old one comes again: from a thief, or from the one who was robbed. Nobody keeps anything.
  expect(await errorOf(client.refreshTokenGrant(config, tokens.refresh_token!))).toBe('invalid_grant');
  expect(await errorOf(client.refreshTokenGrant(config, fresh.refresh_token!))).toBe('invalid_grant');
  expect(await isTaken(config, fresh.access_token)).toBe(false);
});

test('the gate beside it takes the answers of devices; the device shows where the sign-in comes from', async () => {
  const { url, serve } = await place();
  const { verifier, device, pushed } = await adaAt(url);
  const metadataOf = () => ({ ip: '203.0.113.42', location: 'San Francisco' });
  const options = {
    verifier,
    issuer: `${url}/oidc`,
    clients: [CLIENT],
    jwks: JWKS,
    waitMs: 5000,
    metadataOf,
  };
  const { handler } = await xlockOidc(options);
  serve(
    express()
      .use(xlockExpress({ verifier, isPublic: () => true }))
      .use(handler) as never,
  );
  const query = new URLSearchParams({
    client_id: 'shop',
    response_type: 'code',
    scope: 'openid',
    redirect_uri: CLIENT.redirect_uris[0]!,
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
  });
  const tab = new Tab();
  const page = await tab.follow(`${url}/oidc/auth?${query}`);
  const { body } = await tab.post(`${page.url}/login`, { userId: 'ada' });
  expect(await device.view(body['link']!)).toMatchObject({ origin: url, metadata: metadataOf() });
  const waiting = tab.post(`${page.url}/state`);
  await device.approve(pushed[0]!, { digits: body['match']!, send: postAnswer });
  const back = await tab.follow((await waiting).body['next']!);
  expect(back.url).toMatch(/^http:\/\/127\.0\.0\.1:9\/callback\?code=/);
});

test('signing out ends the session, and asks before', async () => {
  const { config, begin, signIn, pushed } = await world();
  const tab = new Tab();
  const login = await begin({ scope: 'openid' });
  const back = await signIn(tab, login.to);
  const tokens = await client.authorizationCodeGrant(config, new URL(back), login.checks);
  expect(tokens.refresh_token).toBeUndefined();
  const out = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token!,
    post_logout_redirect_uri: `${RP}/out`,
  });
  const page = await tab.go(out.href);
  const html = await page.text();
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const [, action = ''] = /action="([^"]+)"/.exec(html)!;
  const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(html)!;
  const post = (body: string) =>
    tab.go(action, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
  expect((await post('xsrf=guessed&logout=yes')).status).toBe(400);
  expect((await post(`xsrf=${xsrf}&logout=yes`)).headers.get('location')).toMatch(
    /^http:\/\/127\.0\.0\.1:9\/out/,
  );
  expect(await isTaken(config, tokens.access_token)).toBe(false);
  await signIn(tab, (await begin()).to);
  expect(pushed).toHaveLength(2);
});

const isTaken = async (config: client.Configuration, token: string): Promise<boolean> =>
  (
    await client
      .fetchProtectedResource(config, token, new URL(config.serverMetadata().userinfo_endpoint!), 'GET')
      .catch(() => ({ ok: false }))
  ).ok;

test('whoever is revoked is out at once: session, access token, refresh token, code', async () => {
  const { config, begin, signIn, verifier, did, device, pushed } = await world();
  const tab = new Tab();
  const login = await begin({ prompt: 'consent' });
  const tokens = await client.authorizationCodeGrant(
    config,
    new URL(await signIn(tab, login.to)),
    login.checks,
  );
  const unused = await begin();
  const code = await signIn(tab, unused.to);
  expect(await isTaken(config, tokens.access_token)).toBe(true);
  await verifier.revokeDevice(did, device.id);
  expect(await isTaken(config, tokens.access_token)).toBe(false);
  expect(await errorOf(client.refreshTokenGrant(config, tokens.refresh_token!))).toBe('invalid_grant');
  expect(await errorOf(client.authorizationCodeGrant(config, new URL(code), unused.checks))).toBe(
    'invalid_grant',
  );
  const page = await tab.follow((await begin()).to);
  expect(page.url).toContain('/oidc/interaction/');
  const silent = await tab.follow((await begin({ prompt: 'none' })).to);
  expect(new URL(silent.url).searchParams.get('error')).toBe('login_required');
  expect(pushed).toHaveLength(1);
});

test('a new approval of another device does not bring back what the first one had', async () => {
  const { config, begin, signIn, verifier, did } = await world();
  const tab = new Tab();
  const login = await begin({ prompt: 'consent' });
  const tokens = await client.authorizationCodeGrant(
    config,
    new URL(await signIn(tab, login.to)),
    login.checks,
  );
  await verifier.endSessions(did);
  const next = await begin({ prompt: 'consent' });
  const fresh = await client.authorizationCodeGrant(config, new URL(await signIn(tab, next.to)), next.checks);
  expect(await isTaken(config, fresh.access_token)).toBe(true);
  expect(await isTaken(config, tokens.access_token)).toBe(false);
  expect(await errorOf(client.refreshTokenGrant(config, tokens.refresh_token!))).toBe('invalid_grant');
});

test('codes: used once, by their own client, with their own verifier, for their own address', async () => {
  const other = { ...CLIENT, client_id: 'other', client_secret: 'x'.repeat(40) };
  const { config, begin, signIn, issuer } = await world({ clients: [CLIENT, other] });
  const tab = new Tab();
  const login = async () => {
    const { to, checks } = await begin();
    return { back: new URL(await signIn(tab, to)), checks };
  };
  const grant = ({ back, checks }: Awaited<ReturnType<typeof login>>) =>
    client.authorizationCodeGrant(config, back, checks);

  const replayed = await login();
  const tokens = await grant(replayed);
  expect(await errorOf(grant(replayed))).toBe('invalid_grant');
  expect(await isTaken(config, tokens.access_token)).toBe(false); // RFC 6749 4.1.2

  const raced = await login();
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => errorOf(grant(raced))));
  expect(outcomes.filter((outcome) => outcome === 'none').length).toBeLessThanOrEqual(1);
  expect(outcomes.filter((outcome) => !['none', 'invalid_grant'].includes(outcome))).toEqual([]);

  const stolen = await login();
  const thief = await client.discovery(new URL(issuer), other.client_id, other.client_secret, undefined, {
    execute: [client.allowInsecureRequests],
  });
  expect(await errorOf(client.authorizationCodeGrant(thief, stolen.back, stolen.checks))).toBe(
    'invalid_grant',
  );
  const guessed = { ...stolen.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
  expect(await errorOf(client.authorizationCodeGrant(config, stolen.back, guessed))).toBe('invalid_grant');
  const elsewhere = new URL(stolen.back.href.replace('/callback', '/elsewhere'));
  expect(await errorOf(client.authorizationCodeGrant(config, elsewhere, stolen.checks))).toBe(
    'invalid_grant',
  );
  expect(await errorOf(grant(stolen))).toBe('none'); // none of that used it up
});

test('tokens are revoked by their own client; pages of public clients may ask, other pages may not', async () => {
  const page = { client_id: 'page', redirect_uris: ['https://page.example/'] };
  const thief = { ...CLIENT, client_id: 'thief' };
  const { config, begin, signIn, issuer } = await world({ clients: [CLIENT, page, thief] });
  const login = await begin({ prompt: 'consent' });
  const back = new URL(await signIn(new Tab(), login.to));
  const tokens = await client.authorizationCodeGrant(config, back, login.checks);
  const execute = [client.allowInsecureRequests];
  const other = await client.discovery(new URL(issuer), 'thief', CLIENT.client_secret, undefined, {
    execute,
  });
  await client.tokenRevocation(other, tokens.access_token);
  expect(await isTaken(config, tokens.access_token)).toBe(true);
  await client.tokenRevocation(config, tokens.refresh_token!);
  expect(await isTaken(config, tokens.access_token)).toBe(false);

  const allowed = async (client_id: string, origin: string) => {
    const body = new URLSearchParams({ client_id, grant_type: 'authorization_code' });
    const answer = await fetch(`${issuer}/token`, { method: 'POST', headers: { origin }, body });
    return answer.headers.get('access-control-allow-origin');
  };
  expect(await allowed('page', 'https://page.example')).toBe('https://page.example');
  expect(await allowed('page', 'https://evil.net')).toBeNull();
  expect(await allowed('shop', RP)).toBeNull();
});

test('two instances with one store are one provider, whose keys are made once', async () => {
  const { url, serve } = await place();
  const store = new MemoryOperationsStore();
  const verifier = new XlockVerifier({ origin: url, identity: await identityOf('sso'), store });
  const options: XlockOidcOptions = { verifier, issuer: url, clients: [CLIENT], store };
  const instances = await Promise.all([xlockOidc(options), xlockOidc(options)]);
  const keys: unknown[] = [];
  for (const { handler } of instances) {
    serve(handler);
    keys.push(await (await fetch(`${url}/jwks`)).json());
  }
  expect(keys[0]).toEqual(keys[1]);
  expect(keys[0]).toMatchObject({ keys: [{ kty: 'RSA' }, { kty: 'EC' }] });
  expect(JSON.stringify(keys[0])).not.toContain('"d":');
  const stored = await store.list('xlock-oidc-keys');
  expect(stored).toHaveLength(1);
});

test('behind TLS: cookies are secure, and addresses are those of the issuer, whatever a request says', async () => {
  const origin = 'https://id.example';
  const verifier = new XlockVerifier({ origin, identity: await identityOf('sso') });
  const { handler } = await xlockOidc({ verifier, issuer: `${origin}/oidc`, clients: [CLIENT], jwks: JWKS });
  const mounts = [express().use(handler), express().use('/oidc', handler)];
  for (const app of mounts) {
    const { url } = await listen(app);
    const headers = { 'x-forwarded-host': 'evil.net', 'x-forwarded-proto': 'http' };
    const found = await fetch(`${url}/oidc/.well-known/openid-configuration`, { headers });
    expect(await found.json()).toMatchObject({
      issuer: `${origin}/oidc`,
      token_endpoint: `${origin}/oidc/token`,
      code_challenge_methods_supported: ['S256'],
      response_types_supported: ['code'],
    });
    const query = new URLSearchParams({
      client_id: 'shop',
      response_type: 'code',
      scope: 'openid',
      redirect_uri: CLIENT.redirect_uris[0]!,
      code_challenge: 'A'.repeat(43),
      code_challenge_method: 'S256',
    });
    const answer = await fetch(`${url}/oidc/auth?${query}`, { redirect: 'manual', headers });
    expect(answer.headers.get('location')).toMatch(/^\/oidc\/interaction\/[\w-]+$/);
    const cookies = answer.headers.getSetCookie();
    expect(cookies.length).toBeGreaterThanOrEqual(4);
    for (const cookie of cookies) expect(cookie).toMatch(/^__(Host|Secure)-.*; secure; httponly/i);
    expect((await fetch(`${url}/other`)).status).toBe(404);
  }
});

test('options are checked', async () => {
  const verifier = new XlockVerifier({ origin: 'https://id.example', identity: await identityOf('sso') });
  const good = { verifier, issuer: 'https://id.example', clients: [CLIENT], jwks: JWKS };
  const wrong = (options: object) =>
    xlockOidc({ ...good, ...options } as never).then(String, ({ message }) => message);
  expect(await wrong({ issuer: 'https://other.example' })).toContain('origin of the verifier');
  expect(await wrong({ issuer: 'https://id.example/' })).toContain('without a slash at its end');
  expect(await wrong({ issuers: 'x' })).toContain('did you mean issuer?');
  expect(await wrong({ clients: [{ ...CLIENT, client_secret: 'short' }] })).toContain('32 to 256');
  expect(await wrong({ clients: [{ ...CLIENT, redirect_uris: ['http://shop.example/'] }] })).toContain(
    'redirect_uris',
  );
  expect(await wrong({ clients: [CLIENT, CLIENT] })).toContain('another one');
  const { d: _, ...open } = JWKS.keys[0]!;
  expect(await wrong({ jwks: { keys: [open] } })).toContain('private');
  const published = await import(
    new URL('../../../../node_modules/oidc-provider/lib/consts/dev_keystore.js', import.meta.url).href
  );
  const renamed = published.default.keys.map((key: object) => ({ ...key, kid: 'mine' }));
  expect(await wrong({ jwks: { keys: renamed } })).toContain('development key');
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    expect(await wrong({})).toContain('pass a store in production');
  } finally {
    process.env['NODE_ENV'] = before;
  }
});
