// The three forms of WebAuthn in a real Chromium: passkeys of the browser, xLock as the authenticator of a page, a share sealed by PRF.
import { expect, test } from '@jest/globals';
import { XlockVerifier } from '../src/index.js';
import { openWithPrf, PrfBackend, SoftAuthenticator, WebauthnVerifier } from '../src/webauthn.js';
import { credential, openPage } from './browser-page.js';
import { findProgram } from './servers.js';
import { describeWhere, idOf, moodies, vaultOn } from './support.js';

interface PageFront {
  prfOf(): Promise<Uint8Array>;
  sealWithPrf(prf: Uint8Array, name: string, bytes: Uint8Array): Promise<Uint8Array>;
  answerCredentials(ask: unknown): () => void;
}

describeWhere(findProgram('chromium') !== undefined, 'chromium', 'WebAuthn in a real browser', () => {
  test('native passkeys log in; xLock answers a page that opts in; PRF seals the local share', async () => {
    const { page, origin, cdp, authenticatorId } = await openPage();
    const verifier = new XlockVerifier({ origin });
    const webauthn = new WebauthnVerifier({ verifier });

    // 1. A passkey of the browser.
    const made = await credential(page, 'create', await webauthn.registrationOptions({ userId: 'ada' }));
    const registered = await webauthn.verifyRegistration(made);
    expect(registered).toMatchObject({ ok: true, value: { userId: 'ada' } });
    const login = async () => credential(page, 'get', await webauthn.authenticationOptions());
    const first = await login();
    const verified = await webauthn.verifyAuthentication(first);
    expect(verified).toMatchObject({ ok: true, value: { approved: true, userId: 'ada' } });
    expect(await idOf(webauthn.verifyAuthentication(first))).toBe('CHALLENGE_ALREADY_USED');
    const { token } = await verifier.beginSession(verified.value!);
    expect((await verifier.verifySession(token)).value?.did).toBe(registered.value!.did);
    expect((await webauthn.verifyAuthentication(await login())).ok).toBe(true);
    const [{ counter } = { counter: 0 }] = await webauthn.credentials('ada');
    expect(counter).toBeGreaterThan(1); // this authenticator counts

    // 3. Its PRF output seals a share: in the page, and opened from the same 32 bytes elsewhere.
    const { prf, sealed } = await page.evaluate(async () => {
      const { prfOf, sealWithPrf } = (window as unknown as { xlock: PageFront }).xlock;
      const bytes = await prfOf();
      const share = await sealWithPrf(bytes, 'name', new TextEncoder().encode('share'));
      return { prf: [...(await prfOf())], sealed: [...share] };
    });
    const opened = await openWithPrf(Uint8Array.from(prf), 'name', Uint8Array.from(sealed));
    expect(Buffer.from(opened!).toString()).toBe('share');
    const [local, far] = moodies(2);
    const vault = vaultOn([
      new PrfBackend({ inner: local, prf: () => Uint8Array.from(prf), manual: false }),
      far,
    ]);
    const owner = { service: origin, userId: 'ada' };
    await vault.generatePasskey(owner);
    expect((await vault.signChallenge({ ...owner, message: new Uint8Array(1) })).faulty).toEqual([]);

    // 2. xLock answers `navigator.credentials`.
    const asked: string[] = [];
    const soft = new SoftAuthenticator({
      vault: vaultOn(moodies()),
      consent: ({ kind }) => {
        asked.push(kind);
        return 'verified';
      },
    });
    await page.exposeBinding('askXlock', ({ frame }, kind: 'create' | 'get', options: unknown) =>
      soft[kind](options, new URL(frame.url()).origin),
    );
    await page.evaluate(() => {
      const { xlock, askXlock } = window as unknown as { xlock: PageFront; askXlock: unknown };
      (window as unknown as { undo: () => void }).undo = xlock.answerCredentials(askXlock);
    });
    const softly = await credential(page, 'create', await webauthn.registrationOptions({ userId: 'bob' }));
    expect((await webauthn.verifyRegistration(softly)).ok).toBe(true);
    expect(await webauthn.verifyAuthentication(await login())).toMatchObject({
      ok: true,
      value: { userId: 'bob' },
    });
    expect(asked).toEqual(['create', 'get']);
    const ofOthers = { ...(await webauthn.authenticationOptions()), rpId: 'acme.com' };
    await expect(credential(page, 'get', ofOthers)).rejects.toThrow('NotAllowedError');
    await page.evaluate(() => (window as unknown as { undo: () => void }).undo());
    expect(await webauthn.verifyAuthentication(await login())).toMatchObject({
      ok: true,
      value: { userId: 'ada' },
    });

    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    await expect(login()).rejects.toThrow('NotAllowedError');
  });
});
