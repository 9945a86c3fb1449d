// The gate before a web application takes passkeys of browsers, too.
import { expect, test } from '@jest/globals';
import { XlockGate, XlockVerifier } from '../src/index.js';
import { SoftAuthenticator, WebauthnVerifier } from '../src/webauthn.js';
import { deviceOf, identityOf, listen, moodies, vaultOn } from './support.js';

async function site(withPasskeys = true) {
  const gates: XlockGate[] = [];
  const { url } = await listen(async (request, response) => {
    const pass = await gates[0]!.pass(request, response);
    if (pass) response.end(JSON.stringify(pass.session));
  });
  const verifier = new XlockVerifier({ origin: url, identity: await identityOf('service') });
  // Browsers take no address as the domain of a passkey; the soft authenticator does.
  const webauthn = new WebauthnVerifier({ verifier });
  gates.push(new XlockGate({ verifier, ...(withPasskeys ? { webauthn } : {}) }));
  const cookies = new Map<string, string>();
  const ask = async (path: string, init: RequestInit = {}) => {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url + path, { ...init, headers: { cookie, ...init.headers } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      cookies.set(name!, value!);
    }
    return { status: answer.status, body: await answer.json() };
  };
  const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
    ask(`/xlock/webauthn/${path}`, { method: 'POST', body: JSON.stringify(body), headers });
  return { url, verifier, ask, post, cookies };
}

/** A login by xLock, as any other. */
async function loggedIn({ verifier, cookies }: Awaited<ReturnType<typeof site>>): Promise<void> {
  const device = await deviceOf('phone');
  const { text } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  await verifier.verifyRegistration(await device.register(text));
  const challenge = await verifier.createAuthChallenge({ userId: 'ada' });
  await verifier.respond(await device.approve(challenge.text, { digits: challenge.match }));
  const { token } = await verifier.beginSession((await verifier.verifyAuth(challenge.id)).value!);
  cookies.set('xlock_session', token);
}

test('who is logged in adds a passkey of the browser, and logs in with it', async () => {
  const here = await site();
  const { url, ask, post, cookies } = here;
  const soft = new SoftAuthenticator({ vault: vaultOn(moodies()), consent: () => 'verified' });
  expect(await post('register/options')).toMatchObject({ status: 401, body: { id: 'SESSION_INVALID' } });
  await loggedIn(here);
  const { body: creation } = await post('register/options');
  const made = await soft.create(creation, url);
  const secret = cookies.get('xlock_browser')!;
  cookies.set('xlock_browser', 'of another browser');
  expect(await post('register', made)).toMatchObject({
    status: 404,
    body: { id: 'CHALLENGE_INVALID:UNKNOWN' },
  });
  cookies.set('xlock_browser', secret);
  const added = await post('register', made);
  expect(added).toMatchObject({ status: 201, body: { did: expect.stringMatching(/^webauthn:/) } });

  cookies.clear();
  expect(await ask('/')).toMatchObject({ status: 401 });
  const { status, body: request } = await post('login/options');
  expect(status).toBe(201);
  const got = await soft.get(request, url);
  expect(await post('login', got)).toEqual({ status: 200, body: { state: 'approved' } });
  expect(await ask('/')).toMatchObject({ status: 200, body: { userId: 'ada', did: added.body.did } });
  expect(await post('login', got)).toMatchObject({ status: 409 }); // good once
});

test('other pages, other routes, and gates without passkeys are refused', async () => {
  const { post } = await site();
  expect(await post('login/options', {}, { origin: 'https://evil.example' })).toMatchObject({
    status: 403,
    body: { id: 'REQUEST_INVALID:ORIGIN' },
  });
  expect(await post('login', { id: 'x' })).toMatchObject({ status: 400 });
  const here = await site();
  await loggedIn(here);
  expect(await here.post('elsewhere')).toMatchObject({ status: 404, body: { id: 'NOT_FOUND' } });
  expect(await (await site(false)).post('login/options')).toMatchObject({ status: 404 });
  expect(() => new XlockGate({ verifier: here.verifier, webauthn: {} } as never)).toThrow('WebauthnVerifier');
});
