// The four walks that the design shows: registration, login, a push answered with one call, and what errors lead to.
import { expect, test } from '@jest/globals';
import {
  configureXlock,
  generatePasskey,
  isXlockError,
  type ProgressUpdate,
  requestXlockAuth,
  respondXlockChallenge,
  signChallenge,
  XlockVerifier,
} from '../src/index.js';
import { afterTest, clockAt, deviceOf, identityOf, moodies, ORIGIN, vaultOn } from './support.js';

async function world() {
  const clock = clockAt();
  const vault = vaultOn(moodies());
  const device = await deviceOf('phone', { vault, clock });
  const pushed: string[] = [];
  const push = { send: async (_: string, challenge: string) => void pushed.push(challenge) };
  const verifier = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('service'), push, clock });
  configureXlock({ verifier, device, vault, service: ORIGIN });
  afterTest(() => configureXlock({}));
  return { clock, device, pushed, verifier, vault };
}

test('registration without an account name: the DID is who the user is', async () => {
  const { verifier, device } = await world();
  const challenge = await verifier.createRegistrationChallenge();
  expect(challenge.links.app).toMatch(
    /^xlock:\/\/register\?service=acme\.com&challenge=[\w-]+&callback=https%3A%2F%2Facme\.com/,
  );
  const response = await device.register(challenge.links.app);
  const result = await verifier.verifyRegistration(response);
  expect(result.ok && result.value.did).toMatch(/^did:key:z6Mk/);
  const again = await verifier.verifyRegistration(response);
  expect(again.error).toMatchObject({ code: 'CHALLENGE_ALREADY_USED', category: 'Challenge Management' });
});

test('a login by DID: what the user sees, and whether it was approved', async () => {
  const { verifier, device, pushed } = await world();
  const registration = await verifier.createRegistrationChallenge();
  const { did } = (await verifier.verifyRegistration(await device.register(registration.text))).value!;
  const metadata = { ip: '203.0.113.42', location: 'San Francisco' };
  const challenge = await verifier.createAuthChallenge({
    did,
    action: 'Sign in to Acme Dashboard',
    metadata,
  });
  expect(await device.view(pushed[0]!)).toMatchObject({ action: 'Sign in to Acme Dashboard', metadata });
  await verifier.respond(await device.approve(pushed[0]!, { digits: challenge.match }));
  const result = await verifier.verifyAuth(challenge.id);
  expect(result.ok && result.value.approved).toBe(true);
});

test('a push answered with one call, and the four errors that a client tells apart', async () => {
  const { verifier, device, pushed, clock, vault } = await world();
  const userId = 'ada';
  const { text } = await verifier.createRegistrationChallenge({ userId });
  await verifier.verifyRegistration(await device.register(text));
  const steps: string[] = [];
  const onProgress = ({ progress, message }: ProgressUpdate) => void steps.push(`[${progress}%] ${message}`);
  const challenge = await requestXlockAuth({ userId, timeout: 120_000, onProgress });
  const send = (answer: unknown) => verifier.respond(answer);
  const respond = async (digits: string) => {
    try {
      await respondXlockChallenge({ challenge: pushed.at(-1)!, digits, send, onProgress });
      return 'in';
    } catch (error) {
      if (!isXlockError(error)) throw error;
      expect(error.resolution).not.toBe('');
      if (error.code === 'PASSKEY_NOT_FOUND') {
        await generatePasskey({ userId, onProgress: ({ message }) => void steps.push(message) });
        return 'a new key, to be registered';
      }
      return error.code;
    }
  };
  expect(await respond(challenge.match)).toBe('in');
  expect(steps[0]).toBe('[0%] Generating challenge');
  expect(steps.at(-1)).toBe('[100%] Sending response');

  await requestXlockAuth({ userId });
  clock.pass(120_000);
  expect(await respond('11')).toBe('CHALLENGE_EXPIRED');
  const last = await requestXlockAuth({ userId });
  await vault.remove({ service: ORIGIN, userId });
  expect(await respond(last.match)).toBe('a new key, to be registered');
  expect(steps.at(-1)).toBe('Verifying storage');
  expect((await signChallenge({ userId, message: new Uint8Array(1) })).signature).toHaveLength(64);
  // The service does not know the new key: nobody gets in with it.
  expect(await respond(last.match)).toBe('PASSKEY_RECONSTRUCTION_FAILED');
});
