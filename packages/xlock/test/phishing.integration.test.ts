// A page that copies the shop, on an address of its own, and passes everything on in real time. Two real HTTP servers.
import type { RequestListener } from 'node:http';
import { expect, test } from '@jest/globals';
import { postAnswer, XlockGate, XlockVerifier } from '../src/index.js';
import { bytesOf, deviceOf, identityOf, idOf, listen } from './support.js';

/** The shop, and its copy, which logs in at the shop itself and shows its victim what the shop says. */
async function shopAndCopy(digitsOfCopy?: string) {
  let handler: RequestListener = () => {};
  const { url } = await listen((request, response) => handler(request, response));
  const verifier = new XlockVerifier({ origin: url, identity: await identityOf('shop'), denialPauseMs: 0 });
  const gate = new XlockGate({ verifier, waitMs: 5000 });
  handler = async (request, response) => {
    if (await gate.pass(request, response)) response.end('{"orders":[]}');
  };
  const loot = { cookie: '', state: '' };
  const copy = await listen(async (request, response) => {
    const body = request.method === 'POST' ? await bytesOf(request) : undefined;
    const init = { method: request.method!, headers: { cookie: loot.cookie }, ...(body ? { body } : {}) };
    const answer = await fetch(url + request.url!, init as RequestInit);
    const cookies = answer.headers.getSetCookie().map((line) => line.split(';')[0]!);
    if (cookies.length > 0) loot.cookie = cookies.join('; ');
    const text = await answer.text();
    loot.state = text;
    const shown = JSON.parse(text);
    response
      .writeHead(answer.status)
      .end(JSON.stringify(digitsOfCopy && shown.match ? { ...shown, match: digitsOfCopy } : shown));
  });
  const device = await deviceOf('phone');
  const { text } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  await device.register(text, { send: postAnswer });
  const begin = async () => {
    const response = await fetch(`${copy.url}/xlock/login`, { method: 'POST', body: '{"userId":"ada"}' });
    return (await response.json()) as { id: string; match: string; link: string };
  };
  const outcome = async (id: string) => (await fetch(`${copy.url}/xlock/login/${id}`)).status;
  return { url, copy, verifier, device, loot, begin, outcome };
}

test('the user reads the address bar: the copy gets a denial, although it shows the right digits', async () => {
  const { url, copy, device, begin, outcome, loot } = await shopAndCopy();
  const { id, match, link } = await begin();
  expect((await device.view(link)).origin).toBe(url); // the device shows who really asks
  const approving = device.approve(link, { digits: match, seenOrigin: copy.url, send: postAnswer });
  expect(await idOf(approving)).toBe('CHALLENGE_INVALID:ORIGIN');
  expect(await outcome(id)).toBe(403);
  expect(loot.state).toContain('RESPONSE_USER_REJECTED:ORIGIN');
  expect(loot.cookie).not.toContain('xlock_session');
});

test('the copy shows digits of its own: they are not those of the shop', async () => {
  const { device, begin, outcome, loot } = await shopAndCopy('07');
  const { id, match, link } = await begin();
  expect(match).toBe('07');
  expect(await idOf(device.approve(link, { digits: match, send: postAnswer }))).toBe(
    'RESPONSE_USER_REJECTED:NUMBER',
  );
  expect(await outcome(id)).toBe(403);
  expect(loot.cookie).not.toContain('xlock_session');
});

test('the copy asks in its own name: the device has no passkey for it', async () => {
  const { copy, device, verifier } = await shopAndCopy();
  const own = new XlockVerifier({ origin: copy.url, identity: await identityOf('copy') });
  const store = new XlockVerifier({ origin: copy.url, identity: await identityOf('shop') });
  const passkey = (await device.passkeys())[0]!;
  for (const verifierOfCopy of [own, store])
    expect(await idOf(device.view((await verifierOfCopy.createDecoyChallenge()).text))).toBe(
      'PASSKEY_NOT_FOUND',
    );
  // With the DID, and even with the key of the shop: the origin is another one.
  const forged = await registeredLike(passkey.did, copy.url);
  expect(await idOf(device.view(forged))).toBe('CHALLENGE_INVALID:ORIGIN');
  expect(verifier.origin).not.toBe(copy.url);
});

test('what cannot be promised: a user who compares nothing lets the copy in', async () => {
  const { device, begin, outcome, loot } = await shopAndCopy();
  const { id, match, link } = await begin();
  await device.approve(link, { digits: match, send: postAnswer });
  expect(await outcome(id)).toBe(200);
  expect(loot.cookie).toContain('xlock_session');
});

/** A challenge for a passkey, signed by the shop, with the origin of the copy. */
async function registeredLike(did: string, origin: string): Promise<string> {
  const { challengeText, encodeChallenge } = await import('../src/challenge/challenge.js');
  const shop = await identityOf('shop');
  const verifier = new XlockVerifier({ origin, identity: shop });
  const {
    match: _m,
    text: _t,
    links: _l,
    pushed: _p,
    held: _h,
    ...decoy
  } = await verifier.createDecoyChallenge();
  const unsigned = { ...decoy, did, userId: 'ada' };
  const signature = Buffer.from(await shop.ed25519.sign(challengeText(unsigned))).toString('base64url');
  return encodeChallenge({ ...unsigned, signature });
}
