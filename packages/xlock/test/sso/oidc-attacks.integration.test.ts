// What attackers try at the OpenID provider before anybody is signed in.
import { expect, test } from '@jest/globals';
import * as client from 'openid-client';
import { clockAt, idOf } from '../support.js';
import { approve, errorOf, RP, Tab, world } from './support.js';

test('what is not in form gets no page to sign in', async () => {
  const { config, begin } = await world();
  const tab = new Tab();
  const changed = async (change: (query: URLSearchParams) => void) => {
    const to = new URL((await begin()).to);
    change(to.searchParams);
    return tab.follow(to.href);
  };
  for (const uri of [
    'https://evil.net/callback',
    `${RP}/callback/../x`,
    `${RP}/callback?x=1`,
    `${RP}/callback#x`,
  ]) {
    const { url, response } = await changed((query) => query.set('redirect_uri', uri));
    expect([response?.status, url.startsWith(config.serverMetadata().issuer)]).toEqual([400, true]);
    expect(await response!.text()).not.toContain('evil.net');
  }
  const errors = async (change: (query: URLSearchParams) => void) =>
    /[?#&]error=(\w+)/.exec((await changed(change)).url)?.[1];
  expect(await errors((query) => query.delete('code_challenge'))).toBe('invalid_request');
  expect(await errors((query) => query.set('code_challenge_method', 'plain'))).toBe('invalid_request');
  expect(await errors((query) => query.set('response_type', 'token'))).toBe('unsupported_response_type');
});

test('state and nonce of another login are found out by the service', async () => {
  const { config, begin, signIn } = await world();
  const tab = new Tab();
  const { to, checks } = await begin();
  const back = new URL(await signIn(tab, to));
  const refused = (wrong: object) =>
    errorOf(client.authorizationCodeGrant(config, back, { ...checks, ...wrong }));
  expect(await refused({ expectedState: client.randomState() })).toMatch(/^OAUTH_/);
  expect(await refused({ expectedNonce: client.randomNonce() })).toMatch(/^OAUTH_/);
});

test('login CSRF: an approval is one of the sign-in and the browser that asked for it', async () => {
  const ada = await world();
  const { begin, url } = ada;
  const [mine, theirs] = [new Tab(), new Tab()];
  const [victim, attacker] = [await mine.follow((await begin()).to), await theirs.follow((await begin()).to)];
  const uidOf = (page: string) => page.split('/').at(-1)!;
  const { body: shown } = await mine.post(`${victim.url}/login`, { userId: 'ada' });
  await approve(ada, shown['match']!);
  // Ada approved; the attacker asks for it, with her address, and with a cookie made to fit.
  expect((await theirs.post(`${victim.url}/state`)).status).toBe(404);
  const forged = await fetch(`${victim.url}/state`, {
    method: 'POST',
    headers: { origin: url, cookie: `xlock_oidc_sign_in=${uidOf(victim.url)}` },
    body: '{}',
  });
  expect(forged.status).toBe(404);
  // A good cookie of one sign-in opens no other one.
  const headers = { cookie: theirs.cookieFor(attacker.url) };
  expect((await fetch(attacker.url, { headers })).status).toBe(200);
  expect((await fetch(victim.url, { headers })).status).toBe(404);
  // The sign-in of the attacker has no approval.
  expect(await theirs.post(`${attacker.url}/state`)).toMatchObject({ status: 404 });
  // Where Ada is sent leads no other browser anywhere, and Ada is not led into the sign-in of another.
  const { body: state } = await mine.post(`${victim.url}/state`);
  expect((await theirs.go(state['next']!)).status).toBe(400);
  expect((await new Tab().go(`${url}/oidc/auth/${uidOf(attacker.url)}`)).status).toBe(400);
  // Even both cookies of Ada's sign-in are of no use to who lacks the secret of her browser.
  const code = (await mine.follow(state['next']!)).url;
  expect(new URL(code).searchParams.has('code')).toBe(true);
});

test('other pages cannot ask, nor those who do not say where they come from', async () => {
  const { begin, url } = await world();
  const tab = new Tab();
  const page = await tab.follow((await begin()).to);
  const ask = (headers: Record<string, string>) =>
    tab.go(`${page.url}/login`, { method: 'POST', headers, body: '{"userId":"ada"}' });
  expect((await ask({ origin: 'https://evil.net' })).status).toBe(403);
  expect((await ask({})).status).toBe(403);
  expect((await ask({ origin: url, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await tab.go(`${page.url}/state`)).status).toBe(404);
  expect((await new Tab().go(page.url)).status).toBe(404);
});

test('denied, wrong digits, expired, too many, and given up', async () => {
  const clock = clockAt(Date.now());
  const ada = await world({}, { clock });
  const tab = new Tab();
  const { begin, device, verifier, pushed } = ada;
  const page = await tab.follow((await begin()).to);
  const ask = () => tab.post(`${page.url}/login`, { userId: 'ada' });
  const state = () => tab.post(`${page.url}/state`);

  await ask();
  await verifier.respond(await device.deny(pushed.at(-1)!));
  expect(await state()).toMatchObject({ status: 403, body: { id: 'RESPONSE_USER_REJECTED' } });
  const { body } = await ask();
  expect(await idOf(approve(ada, body['match'] === '42' ? '43' : '42'))).toBe(
    'RESPONSE_USER_REJECTED:NUMBER',
  );
  expect(await state()).toMatchObject({ status: 403, body: { id: 'RESPONSE_USER_REJECTED:NUMBER' } });
  await ask();
  clock.pass(120_000);
  expect(await state()).toMatchObject({ status: 408, body: { id: 'RESPONSE_TIMEOUT' } });
  const unknown = await tab.post(`${page.url}/login`, { userId: 'nobody' });
  expect(Object.keys(unknown.body)).toEqual(Object.keys(body)); // who is no user looks like anybody else
  for (let at = 4; at < 10; at++) expect((await ask()).status).toBe(201);
  expect(await ask()).toMatchObject({ status: 429 });
  expect(await tab.post(`${page.url}/login`, { userId: 7 })).toMatchObject({ status: 400 });

  const { body: end } = await tab.post(`${page.url}/cancel`);
  const back = new URL((await tab.follow(end['next']!)).url);
  expect(back.searchParams.get('error')).toBe('access_denied');
});
