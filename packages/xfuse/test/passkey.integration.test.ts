import { expect, test } from '@jest/globals';
import { verifyRegistrationResponse } from '@simplewebauthn/server';
import { chromium, type Page } from 'playwright-core';
import { FusionManager, userVerified, verifySession } from '../src/index.js';
import { assertionChallenge, checkAssertion } from '../src/webauthn.js';
import { CHEAP, device } from './fusion-support.js';
import { describeWith, findProgram } from './programs.js';
import { afterTest, idOfFailure, listen } from './support.js';

/** A page with an authenticator that verifies its user and has the PRF extension. */
async function openPage(): Promise<{
  page: Page;
  origin: string;
  setUserVerified(is: boolean): Promise<unknown>;
}> {
  const url = await listen((_request, response) => void response.end('<!doctype html><title>x</title>'));
  const origin = url.replace('127.0.0.1', 'localhost');
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = await chromium.launch({ executablePath: findProgram('chromium')!, args });
  afterTest(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(40_000);
  await page.goto(origin);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf: true,
    },
  });
  const setUserVerified = (isUserVerified: boolean) =>
    cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  return { page, origin, setUserVerified };
}

const create = (page: Page, challenge: string) =>
  page.evaluate(async (text) => {
    const bytes = (one: string) =>
      Uint8Array.from(atob(one.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    const credential = (await navigator.credentials.create({
      publicKey: {
        challenge: bytes(text),
        rp: { name: 'x', id: 'localhost' },
        user: { id: new Uint8Array([1]), name: 'ada', displayName: 'Ada' },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        extensions: { prf: {} },
      },
    })) as unknown as { toJSON(): Parameters<typeof verifyRegistrationResponse>[0]['response'] };
    return credential.toJSON();
  }, challenge);

interface Got {
  getClientExtensionResults(): { readonly prf: { readonly results: { readonly first: ArrayBuffer } } };
  toJSON(): Parameters<typeof checkAssertion>[0]['response'];
}

const get = (page: Page, challenge: string) =>
  page.evaluate(async (text) => {
    const bytes = (one: string) =>
      Uint8Array.from(atob(one.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    const first = new TextEncoder().encode('xfuse of localhost');
    const credential = (await navigator.credentials.get({
      publicKey: {
        challenge: bytes(text),
        rpId: 'localhost',
        userVerification: 'required',
        extensions: { prf: { eval: { first } } },
      },
    })) as unknown as Got;
    const { first: result } = credential.getClientExtensionResults().prf.results;
    return { prf: [...new Uint8Array(result)], assertion: credential.toJSON() };
  }, challenge);

describeWith(['chromium'], 'a passkey in a real browser', () => {
  test('releases its share by PRF, counts as a verified user, and makes AAL3 where the service checks it', async () => {
    const { page, origin, setUserVerified } = await openPage();
    const challenge = Buffer.alloc(32, 7).toString('base64url');
    const made = await create(page, challenge);
    const registered = await verifyRegistrationResponse({
      response: made,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: 'localhost',
    });
    const { credential } = registered.registrationInfo!;
    const finger = async (text: string) => {
      const { prf, assertion } = await get(page, text);
      return { assertion, signal: userVerified({ prf: Uint8Array.from(prf), assertion }) };
    };
    const fusion = new FusionManager({ threshold: 2, totalSignals: 2, argon2: CHEAP, audience: origin });
    await fusion.enrollSignal({ type: 'biometric', value: (await finger(challenge)).signal });
    await fusion.enrollSignal({ type: 'device', value: device('laptop') });
    const { signal } = await finger(Buffer.alloc(32, 8).toString('base64url'));
    const session = await fusion.converge([
      { type: 'biometric', value: signal },
      { type: 'device', value: device('laptop') },
    ]);
    expect(session.aal).toBe('AAL2');

    const { did, certificate } = session;
    const { assertion: response } = await finger(await assertionChallenge(certificate));
    const about = {
      certificate,
      session: did,
      credential,
      expectedOrigin: origin,
      expectedRPID: 'localhost',
    };
    const assertion = await checkAssertion({ ...about, response });
    const check = { did, audience: origin, isKnown: () => true, minimumAal: 'AAL3' } as const;
    expect(await verifySession(certificate, { ...check, assertion })).toMatchObject({ aal: 'AAL3' });
    expect(await idOfFailure(() => verifySession(certificate, check))).toBe('ASSURANCE_TOO_LOW');
    const foreign = { ...assertion, session: session.fusedDid };
    expect(await idOfFailure(() => verifySession(certificate, { ...check, assertion: foreign }))).toBe(
      'ASSERTION_REFUSED',
    );
    const forAnother = await fusion.converge([
      { type: 'biometric', value: signal },
      { type: 'device', value: device('laptop') },
    ]);
    const replayed = { ...about, certificate: forAnother.certificate, session: forAnother.did, response };
    expect(await idOfFailure(() => checkAssertion(replayed))).toBe('ASSERTION_REFUSED');

    await setUserVerified(false);
    await expect(finger(challenge)).rejects.toThrow('NotAllowedError');
  });
});
