// The identity provider of SAML by node-saml, as services use it.
import { expect, test } from '@jest/globals';
import type { SAML } from '@node-saml/node-saml';
import { describeWhere } from '../support.js';
import { ACS, fieldsOf, hasOpenssl, idpKeys, newPair, SHOP, SP, samlWorld, xmlOf } from './saml-support.js';
import { Tab } from './support.js';

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    ({ message }) => message,
  );

describeWhere(hasOpenssl, 'openssl', 'SAML', () => {
  test('a login by redirect: NameID, attributes, RelayState; the second one without asking again', async () => {
    const world = await samlWorld({ attributesOf: () => ({ mail: 'ada@acme.com', groups: ['a<b', 'c&d'] }) });
    const { begin, signIn, check, pushed, idp } = world;
    const tab = new Tab();
    const fields = await signIn(tab, await begin('/orders?a=1&b="2"'));
    expect(fields).toMatchObject({ action: ACS, RelayState: '/orders?a=1&b="2"' });
    const { profile } = await check(fields);
    expect(profile).toMatchObject({
      nameID: 'ada',
      issuer: idp.entityId,
      mail: 'ada@acme.com',
      attributes: { groups: ['a<b', 'c&d'] },
    });
    expect(await messageOf(check(fields))).toContain('InResponseTo'); // a replay at the service
    expect((await check(await signIn(tab, await begin()))).profile).toMatchObject({ nameID: 'ada' });
    expect(pushed).toHaveLength(1);
  });

  test('both are signed by SHA-256, for this audience, this answer and a short time', async () => {
    const { begin, signIn, check, sp } = await samlWorld({ assertionTtlMs: 60_000 });
    const fields = await signIn(new Tab(), await begin());
    const xml = xmlOf(fields['SAMLResponse']!);
    expect(xml.match(/<ds:SignatureMethod Algorithm="[^"]+#rsa-sha256"/g)).toHaveLength(2);
    expect(xml.match(/<ds:DigestMethod Algorithm="[^"]+#sha256"/g)).toHaveLength(2);
    expect(xml).not.toContain('sha1');
    expect(xml).toContain(`<saml:Audience>${SP}</saml:Audience>`);
    const until = Date.parse(/SubjectConfirmationData NotOnOrAfter="([^"]+)"/.exec(xml)![1]!);
    expect(until - Date.now()).toBeLessThanOrEqual(60_000);
    expect(xml.match(/InResponseTo="(_[0-9a-f]+)"/g)).toHaveLength(2);
    // What the service insists on is there: without either signature, or with another name in it, it is refused.
    const [response, assertion] = [...xml.matchAll(/<ds:Signature [\s\S]*?<\/ds:Signature>/g)].map(
      ([text]) => text,
    );
    const anyAnswer = sp({ validateInResponseTo: 'never' as never });
    expect((await check(fields, anyAnswer)).profile).toMatchObject({ nameID: 'ada' });
    const sent = (text: string) => ({ SAMLResponse: Buffer.from(text).toString('base64') });
    for (const broken of [
      xml.replace(response!, ''),
      xml.replace(assertion!, ''),
      xml.replace('>ada<', '>bob<'),
    ]) {
      expect(broken).not.toBe(xml);
      expect(await messageOf(check(sent(broken), anyAnswer))).toMatch(/[Ss]ignature/);
    }
    const other = sp({ audience: 'https://other.example', validateInResponseTo: 'never' as never });
    expect(await messageOf(check(fields, other))).toContain('audience');
    expect((await check(fields)).profile).toMatchObject({ nameID: 'ada' });
  });

  test('an assertion that is over is refused by the service', async () => {
    const { begin, signIn, check } = await samlWorld({
      assertionTtlMs: 10_000,
      clockSkewMs: 600_000,
      clock: () => Date.now() - 240_000,
    });
    expect(await messageOf(check(await signIn(new Tab(), await begin())))).toContain(
      'No valid subject confirmation',
    );
  });

  test('signed requests, by redirect and by POST', async () => {
    const { privateKey, certificate } = newPair('shop');
    const signedBy = { privateKey, publicCert: certificate };
    const world = await samlWorld(
      { serviceProviders: [{ ...SHOP, certificates: [idpKeys().certificate, certificate] }] },
      signedBy,
    );
    const { begin, signIn, check, sp, url } = world;
    expect((await check(await signIn(new Tab(), await begin('deep/link')))).profile).toMatchObject({
      nameID: 'ada',
    });

    const post = async (tab: Tab, from: SAML) => {
      const { SAMLRequest = '', RelayState = '' } = fieldsOf(await from.getAuthorizeFormAsync('state'));
      const body = new URLSearchParams({ SAMLRequest, RelayState });
      return tab.go(`${url}/sso`, { method: 'POST', body });
    };
    for (const skipRequestCompression of [true, false]) {
      const tab = new Tab();
      const from = sp({ skipRequestCompression });
      const posted = await post(tab, from);
      expect(posted.status).toBe(303);
      const fields = await signIn(tab, new URL(posted.headers.get('location')!, url).href);
      expect(fields['RelayState']).toBe('state');
      expect((await check(fields, from)).profile).toMatchObject({ nameID: 'ada' });
    }

    const unsigned = sp({ privateKey: undefined as never });
    const weak = sp({ signatureAlgorithm: 'sha1' });
    const stranger = sp({ privateKey: newPair('stranger').privateKey });
    for (const from of [unsigned, weak, stranger]) {
      expect((await new Tab().go(await begin('', from))).status).toBe(400);
      expect((await post(new Tab(), from)).status).toBe(400);
    }
    expect((await post(new Tab(), sp({ digestAlgorithm: 'sha1' }))).status).toBe(400);
    const moved = new URL(await begin('mine'));
    moved.searchParams.set('RelayState', 'theirs');
    expect((await new Tab().go(moved.href)).status).toBe(400);
  });

  test('what ends without an assertion is told to the service, signed', async () => {
    const { begin, signIn, check, sp, device, pushed, verifier } = await samlWorld();
    const tab = new Tab();
    const page = await tab.follow(await begin());
    await tab.post(`${page.url}/login`, { userId: 'ada' });
    await verifier.respond(await device.deny(pushed.at(-1)!));
    expect(await tab.post(`${page.url}/state`)).toMatchObject({ status: 403 });
    const { body } = await tab.post(`${page.url}/cancel`);
    const fields = await signIn(tab, new URL(body['next']!, page.url).href);
    expect(xmlOf(fields['SAMLResponse']!)).toContain('<ds:Signature');
    expect(xmlOf(fields['SAMLResponse']!)).not.toContain('<saml:Assertion');
    expect(await messageOf(check(fields))).toContain('AuthnFailed');

    const strict = sp({ authnContext: ['urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard'] });
    expect(await messageOf(check(await signIn(tab, await begin('', strict)), strict))).toContain(
      'NoAuthnContext',
    );
    const mail = sp({ identifierFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress' });
    expect(await messageOf(check(await signIn(tab, await begin('', mail)), mail))).toContain(
      'InvalidNameIDPolicy',
    );
    const passive = sp({ passive: true });
    const silent = await signIn(tab, await begin('', passive));
    expect(xmlOf(silent['SAMLResponse']!)).toContain('status:NoPassive');
  });

  test('whoever is revoked is asked again, and ForceAuthn always asks', async () => {
    const { begin, signIn, sp, verifier, did, device, pushed, store } = await samlWorld();
    const tab = new Tab();
    await signIn(tab, await begin());
    await signIn(tab, await begin('', sp({ forceAuthn: true })));
    expect(pushed).toHaveLength(2);
    await verifier.revokeDevice(did, device.id);
    const page = await tab.follow(await begin());
    expect(page.url).toMatch(/\/sign-in\/[\w-]{22}$/);
    expect(await store.list('xlock-saml-sign-in')).toHaveLength(3);
  });

  test('a passkey that is revoked between approval and response gives no assertion', async () => {
    const { begin, signIn, check, verifier, did } = await samlWorld();
    const tab = new Tab();
    await signIn(tab, await begin());
    const to = (await tab.go(await begin())).headers.get('location')!;
    const page = await tab.go(new URL(to, verifier.origin).href);
    expect(page.headers.get('location')).toMatch(/\/finish$/);
    await verifier.revokePasskey(did);
    const form = await tab.go(new URL(page.headers.get('location')!, verifier.origin).href);
    expect(await messageOf(check(fieldsOf(await form.text())))).toContain('AuthnFailed');
  });
});
