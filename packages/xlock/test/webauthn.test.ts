// Passkeys of browsers beside those of xLock: what the service takes and refuses. The authenticator is the soft one; real browsers are elsewhere.
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { XlockVerifier } from '../src/index.js';
import { WebauthnRecords } from '../src/webauthn/records.js';
import {
  openWithPrf,
  PrfBackend,
  SOFT_AAGUID,
  SoftAuthenticator,
  type SoftConsent,
  type SoftCredential,
  sealWithPrf,
  WebauthnVerifier,
  type WebauthnVerifierOptions,
} from '../src/webauthn.js';
import { clockAt, idOf, Moody, moodies, ORIGIN, vaultOn } from './support.js';

async function world(
  options: Partial<WebauthnVerifierOptions> = {},
  consent: SoftConsent = 'verified',
  store = new MemoryOperationsStore(),
) {
  const clock = clockAt();
  const verifier = new XlockVerifier({ origin: ORIGIN, clock, store });
  const webauthn = new WebauthnVerifier({ verifier, ...options });
  const asked: unknown[] = [];
  const soft = new SoftAuthenticator({
    vault: vaultOn(moodies()),
    consent: (request) => {
      asked.push(request);
      return consent;
    },
  });
  const register = async (userId = 'ada', origin = ORIGIN) =>
    webauthn.verifyRegistration(await soft.create(await webauthn.registrationOptions({ userId }), origin));
  const answer = async (origin = ORIGIN, binding?: string) =>
    soft.get(await webauthn.authenticationOptions(binding === undefined ? {} : { binding }), origin);
  return { clock, verifier, webauthn, soft, asked, register, answer };
}

const changed = (credential: SoftCredential, response: Record<string, string>) => ({
  ...credential,
  response: { ...credential.response, ...response },
});

test('a passkey of the browser registers, logs in, and begins a session that ends when it is revoked', async () => {
  const { verifier, webauthn, asked, register, answer } = await world();
  const registered = await register();
  expect(registered).toMatchObject({ ok: true, value: { userId: 'ada', deviceName: 'ada' } });
  const { did } = registered.value!;
  expect(await webauthn.credentials('ada')).toMatchObject([{ did, counter: 0, isDeviceBound: false }]);
  const response = await answer();
  const verified = await webauthn.verifyAuthentication(response);
  expect(verified).toMatchObject({ ok: true, value: { approved: true, did, userId: 'ada' } });
  expect(asked).toMatchObject([
    { kind: 'create', origin: ORIGIN, rpId: 'acme.com', userName: 'ada' },
    { kind: 'get' },
  ]);

  const { token } = await verifier.beginSession(verified.value!);
  expect(await verifier.verifySession(token)).toMatchObject({ ok: true, value: { userId: 'ada', did } });
  await verifier.revokePasskey(did);
  expect(await idOf(verifier.verifySession(token))).toBe('SESSION_INVALID');
  expect(await idOf(webauthn.verifyAuthentication(await answer()))).toBe('RESPONSE_DEVICE_MISMATCH:REVOKED');
  expect(await webauthn.credentials('ada')).toEqual([]);
});

test('a challenge takes one answer, of one kind, in time, from the browser that asked', async () => {
  const { clock, webauthn, soft, register, answer } = await world();
  await register();
  const response = await answer();
  const both = await Promise.all([1, 2].map(() => idOf(webauthn.verifyAuthentication(response))));
  expect(both.sort()).toEqual(['CHALLENGE_ALREADY_USED', undefined]);
  const late = await answer();
  clock.pass(300_000);
  expect(await idOf(webauthn.verifyAuthentication(late))).toBe('CHALLENGE_EXPIRED');
  const bound = await answer(ORIGIN, 'secret of the browser');
  expect(await idOf(webauthn.verifyAuthentication(bound))).toBe('CHALLENGE_INVALID:UNKNOWN');
  const { challenge } = await webauthn.authenticationOptions();
  const swapped = await soft.create(
    { ...(await webauthn.registrationOptions({ userId: 'eve' })), challenge },
    ORIGIN,
  );
  expect(await idOf(webauthn.verifyRegistration(swapped))).toBe('CHALLENGE_INVALID:UNKNOWN');
  for (const nothing of [undefined, {}, { response: { clientDataJSON: 'e30' } }])
    expect(await idOf(webauthn.verifyAuthentication(nothing))).toBe('RESPONSE_SIGNATURE_INVALID:FORM');
});

test('a copy of the page, a changed signature and an unknown key are refused', async () => {
  const { webauthn, soft, register, answer } = await world();
  await register();
  // The authenticator itself refuses the copy, since the domain is not its own …
  const options = await webauthn.authenticationOptions();
  expect(await idOf(soft.get(options, 'https://acme.com.evil.example'))).toBe('REQUEST_INVALID:ORIGIN');
  // … and so does the service, for one that does not.
  const good = await answer();
  const client = JSON.parse(Buffer.from(good.response.clientDataJSON, 'base64url').toString());
  const phished = changed(good, {
    clientDataJSON: Buffer.from(JSON.stringify({ ...client, origin: 'https://evil.example' })).toString(
      'base64url',
    ),
  });
  expect(await idOf(webauthn.verifyAuthentication(phished))).toBe('RESPONSE_SIGNATURE_INVALID:WEBAUTHN');
  const forged = changed(await answer(), { signature: Buffer.alloc(64, 7).toString('base64url') });
  expect(await idOf(webauthn.verifyAuthentication(forged))).toBe('RESPONSE_SIGNATURE_INVALID:WEBAUTHN');
  const foreign = { ...(await answer()), id: 'AAAA', rawId: 'AAAA' };
  expect(await idOf(webauthn.verifyAuthentication(foreign))).toBe('PASSKEY_NOT_FOUND');
});

test('the user must be verified, unless the service asks for less', async () => {
  const strict = await world({}, 'present');
  expect(await idOf(strict.register())).toBe('BIOMETRIC_REQUIRED');
  // An authenticator that does not do what the options say.
  const options = await strict.webauthn.registrationOptions({ userId: 'ada' });
  const careless = await strict.soft.create({ ...options, authenticatorSelection: {} }, ORIGIN);
  expect(await idOf(strict.webauthn.verifyRegistration(careless))).toBe(
    'RESPONSE_SIGNATURE_INVALID:WEBAUTHN',
  );
  const relaxed = await world({ userVerification: 'preferred' }, 'present');
  expect((await relaxed.register()).ok).toBe(true);
  expect(await idOf((await world({}, 'denied')).register())).toBe('RESPONSE_USER_REJECTED');
});

test('a counter that does not go on tells of a copy', async () => {
  const store = new MemoryOperationsStore();
  const { webauthn, register, answer } = await world({}, 'verified', store);
  const { did } = (await register()).value!;
  // As if the authenticator had counted to five: this one says zero.
  await new WebauthnRecords(store).credentials.update(did, (before) => ({ ...before!, counter: 5 }));
  expect(await idOf(webauthn.verifyAuthentication(await answer()))).toBe(
    'RESPONSE_SIGNATURE_INVALID:COUNTER',
  );
});

test('one account at a domain has one key, and a key that is there already is not made again', async () => {
  const { webauthn, soft, register } = await world();
  await register();
  const again = await webauthn.registrationOptions({ userId: 'ada' });
  expect(again.excludeCredentials).toHaveLength(1);
  expect(await idOf(soft.create(again, ORIGIN))).toBe('PASSKEY_GENERATION_FAILED:EXISTS');
  expect((await register('bob')).ok).toBe(true);
  const noEd25519 = {
    ...(await webauthn.registrationOptions({ userId: 'eve' })),
    pubKeyCredParams: [{ alg: -7 }],
  };
  expect(await idOf(soft.create(noEd25519, ORIGIN))).toBe('REQUEST_INVALID');
  const empty = new SoftAuthenticator({ vault: vaultOn(moodies()), consent: () => 'verified' });
  expect(await idOf(empty.get(await webauthn.authenticationOptions(), ORIGIN))).toBe('PASSKEY_NOT_FOUND');
});

test('pages below a domain use its keys only where the user listed the domain', async () => {
  const consent = () => 'verified' as const;
  const options = { rpId: 'acme.com', challenge: Buffer.alloc(32).toString('base64url') };
  const strict = new SoftAuthenticator({ vault: vaultOn(moodies()), consent });
  expect(await idOf(strict.get(options, 'https://login.acme.com'))).toBe('REQUEST_INVALID:ORIGIN');
  const open = new SoftAuthenticator({ vault: vaultOn(moodies()), consent, domains: ['acme.com'] });
  expect(await idOf(open.get(options, 'https://login.acme.com'))).toBe('PASSKEY_NOT_FOUND');
  expect(await idOf(open.get(options, 'https://notacme.com'))).toBe('REQUEST_INVALID:ORIGIN');
});

test('authenticator data and key are as the standard writes them', async () => {
  const { webauthn, soft } = await world();
  const { response } = await soft.create(await webauthn.registrationOptions({ userId: 'ada' }), ORIGIN);
  const data = Buffer.from(response.authenticatorData, 'base64url');
  expect(data[32]).toBe(0x5d); // present, verified, may be and is backed up, with a key
  expect(data.subarray(37, 53).toString('hex')).toBe(SOFT_AAGUID.replaceAll('-', ''));
  expect(data.subarray(55 + 32, 55 + 32 + 10).toString('hex')).toBe('a4010103272006215820'); // OKP, EdDSA, Ed25519
});

test('options that are wrong are refused when the object is made', () => {
  const verifier = new XlockVerifier({ origin: ORIGIN });
  const bad: unknown[] = [
    { verifier: {} },
    { verifier, rpId: 'evil.com' },
    { verifier, origins: ['https://acme.com/'] },
    { verifier, userVerification: 'discouraged' },
    { verifier, algorithms: [] },
    { verifier, rpID: 'acme.com' },
  ];
  for (const options of bad) expect(() => new WebauthnVerifier(options as never)).toThrow();
});

test('a share sealed by a PRF opens with the same 32 bytes, under the same name', async () => {
  const prf = new Uint8Array(32).fill(1);
  const sealed = await sealWithPrf(prf, 'a', Buffer.from('share'));
  expect(Buffer.from((await openWithPrf(prf, 'a', sealed))!).toString()).toBe('share');
  expect(await openWithPrf(prf, 'b', sealed)).toBeUndefined();
  expect(await openWithPrf(new Uint8Array(32), 'a', sealed)).toBeUndefined();
  sealed[20]! ^= 1;
  expect(await openWithPrf(prf, 'a', sealed)).toBeUndefined();
  expect(await openWithPrf(prf, 'a', sealed.subarray(0, 20))).toBeUndefined();

  const inner = new Moody('local');
  let key = prf;
  const local = new PrfBackend({ inner, prf: () => key, manual: false });
  const vault = vaultOn([local, new Moody('far')]);
  const owner = { service: ORIGIN, userId: 'ada' };
  await vault.generatePasskey(owner);
  expect((await vault.signChallenge({ ...owner, message: prf })).signature).toHaveLength(64);
  key = new Uint8Array(32).fill(2); // another authenticator
  expect(await idOf(vault.signChallenge({ ...owner, message: prf }))).toBe('PASSKEY_RECONSTRUCTION_FAILED');
});
