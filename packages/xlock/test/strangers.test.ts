// What a login page does for strangers: it tells nobody who has an account, and keeps no user out.
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { configureXlock, requestXlockAuth, XlockVerifier } from '../src/index.js';
import { clockAt, identityOf, idOf, ORIGIN, registered, until } from './support.js';

test('floods and a denial end the pushes, not the logins: the link of a page is still good', async () => {
  const pushed: string[] = [];
  const push = { send: async (_: string, challenge: string) => void pushed.push(challenge) };
  const { verifier, device, did, clock } = await registered({ maxPushes: 2, denialPauseMs: 60_000, push });
  const ask = () => verifier.createAuthChallenge({ did });
  const approved = async ({ text, match, id }: Awaited<ReturnType<typeof ask>>) => {
    await verifier.respond(await device.approve(text, { digits: match }));
    return (await verifier.verifyAuth(id)).ok;
  };
  expect([(await ask()).held, (await ask()).held]).toEqual(['', '']);
  const flood = await ask();
  expect([flood.held, flood.pushed, pushed.length]).toEqual(['flood', [], 2]);
  expect(await approved(flood)).toBe(true);
  await verifier.respond(await device.deny((await ask()).text));
  const paused = await ask();
  expect([paused.held, paused.pushed, pushed.length]).toEqual(['paused', [], 2]);
  expect(await approved(paused)).toBe(true);
  configureXlock({ verifier });
  expect(await idOf(requestXlockAuth({ did }))).toBe('CHALLENGE_GENERATION_FAILED:PAUSED');
  clock.pass(60_000);
  expect(await idOf(requestXlockAuth({ did }))).toBe('CHALLENGE_GENERATION_FAILED:FLOOD');
  configureXlock({});
});

test('a clock that was ahead and is set back: no pause of a day, no session outlives its end', async () => {
  const { verifier, device, did, clock } = await registered({ denialPauseMs: 60_000 });
  const begin = async () => (await verifier.beginSession({ did, userId: 'ada', deviceId: device.id })).token;
  const before = await begin();
  await verifier.respond(await device.deny((await verifier.createAuthChallenge({ did })).text));
  clock.pass(-3_600_000);
  expect(await verifier.createAuthChallenge({ did })).toMatchObject({ held: '' });
  await verifier.endSessions(did);
  expect(await idOf(verifier.verifySession(before))).toBe('SESSION_INVALID');
  expect(await verifier.verifySession(await begin())).toMatchObject({ ok: true }); // a new one is good at once
});

test('a login page does not tell who has an account: form, limits, pause and waiting are the same', async () => {
  let wasPushed = 0;
  const push = { send: () => new Promise<void>(() => void wasPushed++) }; // a push that never ends
  const store = new MemoryOperationsStore();
  const { verifier, device, clock } = await registered({ store, push, maxPushes: 2, denialPauseMs: 60_000 });
  const ask = (userId: string) => verifier.createLoginChallenge({ userId, metadata: { ip: '203.0.113.42' } });
  const looks = ({ links, text, did, userId, match }: Awaited<ReturnType<typeof ask>>) => ({
    app: new URL(links.app).search.length,
    https: links.https.length,
    members: [...new URL(links.https).searchParams.keys()],
    text: text.length,
    did: did.length,
    userId: userId.length,
    match: match.length,
  });
  const dids: string[] = [];
  for (let n = 0; n < 4; n++) {
    const [real, ghost] = [await ask('ada'), await ask('bob')];
    expect(looks(ghost)).toEqual(looks(real));
    expect(Object.keys(ghost)).toEqual(Object.keys(real));
    dids.push(ghost.did);
    if (n > 2) await verifier.respond(await device.deny(real.text));
  }
  expect(wasPushed).toBe(2);
  expect(looks(await ask('bob'))).toEqual(looks(await ask('ada')));
  expect(new Set(dids).size).toBe(1); // the same at each start, of each instance, and of nobody else
  const again = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('service'), store, clock });
  expect((await again.createLoginChallenge({ userId: 'bob' })).did).toBe(dids[0]);
  const other = new XlockVerifier({ origin: ORIGIN, identity: await identityOf('other service'), clock });
  expect((await other.createLoginChallenge({ userId: 'bob' })).did).not.toBe(dids[0]);
  const state = await verifier.verifyAuth((await ask('bob')).id, { waitMs: 1 });
  expect(state.error).toMatchObject({ id: 'RESPONSE_TIMEOUT', details: { pending: true } });
});

test('what strangers asked for is removed once it is over, without any user', async () => {
  const store = new MemoryOperationsStore();
  const clock = clockAt();
  const verifier = new XlockVerifier({ origin: ORIGIN, store, clock, identity: await identityOf('service') });
  for (let n = 0; n < 20; n++) await verifier.createLoginChallenge({ userId: `nobody ${n}` });
  clock.pass(660_000);
  await verifier.createDecoyChallenge();
  const left = () => store.list('xlock-challenge').length;
  await until('they are removed', () => left() === 1);
});
