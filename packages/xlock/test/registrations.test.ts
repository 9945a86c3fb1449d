// Who may register: another device, a passkey in the place of another one, and nobody twice.
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import type { AuditEntry } from '@private.me/xlink/audit';
import { deviceOf, idOf, moodies, ORIGIN, registered, vaultOn } from './support.js';

test('the only device is lost, and revoked first: shares on a new one, registered, log in again', async () => {
  const stores = moodies();
  const { verifier, device, did, clock } = await registered({}, { stores });
  await verifier.revokeDevice(did, device.id);
  const laptop = await deviceOf('laptop', { vault: vaultOn(stores), clock });
  await laptop.recover({ service: ORIGIN, userId: 'ada' });
  const { text } = await verifier.createRegistrationChallenge({ did });
  expect((await verifier.verifyRegistration(await laptop.register(text))).ok).toBe(true);
  const login = await verifier.createAuthChallenge({ userId: 'ada' });
  await verifier.respond(await laptop.approve(login.text, { digits: login.match }));
  expect((await verifier.verifyAuth(login.id)).ok).toBe(true);
  await verifier.revokePasskey(did);
  expect(await idOf(verifier.createRegistrationChallenge({ did }))).toBe('PASSKEY_NOT_FOUND');
});

test('a second passkey of a user hides none: it is refused, or takes the place of the first', async () => {
  const { verifier, device, did, clock } = await registered();
  expect(await idOf(verifier.createRegistrationChallenge({ userId: 'ada' }))).toBe(
    'PASSKEY_GENERATION_FAILED:EXISTS',
  );
  expect(await idOf(verifier.createRegistrationChallenge({ did, replace: true }))).toBe('INVALID_OPTION');
  // Two challenges for a new user, both made before either was answered: one counts, and the other is not used up.
  const open = [1, 2].map(() => verifier.createRegistrationChallenge({ userId: 'bob' }));
  const devices = [await deviceOf('first', { clock }), await deviceOf('second', { clock })];
  const answers = [];
  for (const [at, one] of devices.entries()) answers.push(await one.register((await open[at]!).text));
  expect((await verifier.verifyRegistration(answers[0])).ok).toBe(true);
  expect(await idOf(verifier.verifyRegistration(answers[1]))).toBe('PASSKEY_GENERATION_FAILED:EXISTS');
  expect((await verifier.createAuthChallenge({ userId: 'bob' })).did).toBe(answers[0]!.did);

  const { token } = await verifier.beginSession({ did, userId: 'ada', deviceId: device.id });
  const next = await deviceOf('new phone', { clock });
  const { text } = await verifier.createRegistrationChallenge({ userId: 'ada', replace: true });
  expect((await verifier.account(did)).revokedAt).toBeUndefined(); // not before it is answered
  const made = await verifier.verifyRegistration(await next.register(text));
  expect((await verifier.createAuthChallenge({ userId: 'ada' })).did).toBe(made.value!.did);
  expect((await verifier.account(did)).revokedAt).toBe(clock());
  expect(await idOf(verifier.verifySession(token))).toBe('SESSION_INVALID');
});

test('a registration that leads nowhere is refused in the audit log, too', async () => {
  const stores = moodies();
  const told: string[] = [];
  const audit = {
    append: async ({ type, decision }: { type: string; decision?: string }) => {
      if (type === 'xlock-answer') told.push(String(decision));
    },
  };
  const { verifier, device, did } = await registered({ audit: audit as never }, { stores });
  await verifier.revokeDevice(did, device.id);
  const { text } = await verifier.createRegistrationChallenge({ did });
  const again = await device.register(text);
  expect(await idOf(verifier.verifyRegistration(again))).toBe('RESPONSE_DEVICE_MISMATCH:REVOKED');
  expect(told).toEqual(['accepted']); // of the first registration
});

test('a device that is revoked while its registration is taken is refused in the audit log, too', async () => {
  const told: unknown[] = [];
  const audit = {
    append: async ({ type, decision, reason }: AuditEntry) => {
      if (type === 'xlock-answer') told.push([decision, reason]);
    },
  };
  let meanwhile = async () => {};
  const store = new MemoryOperationsStore();
  const racing = {
    load: (id: string) => store.load(id),
    list: (kind: string) => store.list(kind),
    remove: (id: string, version: number) => store.remove(id, version),
    async save(id: string, json: string, version: number) {
      const isSaved = store.save(id, json, version);
      if (id.startsWith('xlock-challenge/') && json.includes('"approved"')) await meanwhile();
      return isSaved;
    },
  };
  const { verifier, device, did } = await registered({ audit: audit as never, store: racing });
  const { text } = await verifier.createRegistrationChallenge({ did });
  meanwhile = () => verifier.revokePasskey(did);
  expect(await idOf(verifier.verifyRegistration(await device.register(text)))).toBe(
    'RESPONSE_DEVICE_MISMATCH:REVOKED',
  );
  expect(told).toEqual([
    ['accepted', 'ok'],
    ['refused', 'RESPONSE_DEVICE_MISMATCH:REVOKED'],
  ]);
});
