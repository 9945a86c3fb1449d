// Registers and logs in with an ML-DSA-65 passkey of Chromium; needs Node 24.7 or later, a build, and Chromium. Prints what it saw as JSON.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';
import { XlockVerifier } from '../dist/index.js';
import { WebauthnVerifier } from '../dist/webauthn.js';

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><title>-</title>');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://localhost:${server.address().port}`;
const webauthn = new WebauthnVerifier({ verifier: new XlockVerifier({ origin }) });
const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const browser = await chromium.launch({ executablePath: process.argv[2], args });
try {
  const page = await browser.newPage();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const authenticator = { protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal' };
  const abilities = { hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
  await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { ...authenticator, ...abilities } });
  await page.goto(origin);
  const ask = (kind, options) =>
    page.evaluate(
      async ([how, json]) => {
        const parse = how === 'create' ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON';
        const publicKey = PublicKeyCredential[parse](json);
        return (await navigator.credentials[how]({ publicKey })).toJSON();
      },
      [kind, options],
    );
  const creation = await webauthn.registrationOptions({ userId: 'ada' });
  const made = await ask('create', creation);
  const registered = await webauthn.verifyRegistration(made);
  const verified = await webauthn.verifyAuthentication(
    await ask('get', await webauthn.authenticationOptions()),
  );
  console.log(
    JSON.stringify({
      offered: creation.pubKeyCredParams.map(({ alg }) => alg),
      algorithm: made.response.publicKeyAlgorithm,
      registered: registered.ok,
      verified: verified.ok,
    }),
  );
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
