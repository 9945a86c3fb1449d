// What attackers send to the identity provider of SAML; the shapes are those of known faults of other implementations.
import { expect, test } from '@jest/globals';
import { readAuthnRequest } from '../../src/sso/saml/authn-request.js';
import { readXml } from '../../src/sso/saml/xml.js';
import { describeWhere } from '../support.js';
import { fieldsOf, hasOpenssl, newPair, redirectWith, requestIn, SHOP, samlWorld } from './saml-support.js';
import { approve, Tab } from './support.js';

const EVIL = 'https://evil.net/acs';
const why = (work: () => unknown): string => {
  try {
    work();
    return 'taken';
  } catch (error) {
    return (error as { resolution: string }).resolution;
  }
};

describeWhere(hasOpenssl, 'openssl', 'attacks on SAML', () => {
  test('responses go to registered addresses only, requests are taken once, and for a short time', async () => {
    const { begin, url, sp } = await samlWorld();
    const status = async (to: string) => (await new Tab().go(to)).status;
    const good = await begin();
    const xml = requestIn(good);
    const changed = (from: string, to: string) => redirectWith(good, xml.replace(from, to));
    for (const acs of [EVIL, 'http://127.0.0.1:9/acs/', 'http://127.0.0.1:9/acs?x', 'HTTP://127.0.0.1:9/acs'])
      expect(await status(changed('"http://127.0.0.1:9/acs"', `"${acs}"`))).toBe(400);
    const index = xml.replace(/AssertionConsumerServiceURL="[^"]*"/, 'AssertionConsumerServiceIndex="7"');
    expect(await status(redirectWith(good, index))).toBe(400);
    expect(await status(changed('Issuer xmlns', 'issuer xmlns'))).toBe(400);
    expect(await status(changed('https://shop.example/saml', 'https://other.example'))).toBe(400);
    expect(await status(changed(`${url}/sso`, 'https://other.example/sso'))).toBe(400);
    const at = (ms: number) =>
      xml.replace(/IssueInstant="[^"]*"/, `IssueInstant="${new Date(ms).toISOString()}"`);
    expect(await status(redirectWith(good, at(Date.now() - 600_000)))).toBe(400);
    expect(await status(redirectWith(good, at(Date.now() + 600_000)))).toBe(400);
    const outcomes = await Promise.all([status(good), status(good), status(good)]);
    expect(outcomes.sort()).toEqual([303, 400, 400]);
    expect(await status(good)).toBe(400);
    const page = await new Tab().go(changed('"http://127.0.0.1:9/acs"', `"${EVIL}"`));
    expect(await page.text()).not.toContain('evil.net');
    expect(await status(await begin('x'.repeat(1025), sp()))).toBe(400);
    expect(await status(await begin('x'.repeat(1024), sp()))).toBe(303);
  });

  test('bombs, floods and doubled parameters', async () => {
    const { begin, url } = await samlWorld();
    const good = await begin('state');
    const get = (to: string) => new Tab().go(to).then(({ status }) => status);
    expect(await get(redirectWith(good, Buffer.alloc(8_000_000, 32)))).toBe(400); // 8 MB in 8 KB
    expect(await get(redirectWith(good, `<a>${'<b/>'.repeat(400)}</a>`))).toBe(400);
    expect(await get(redirectWith(good, '<a>'.repeat(60)))).toBe(400);
    expect(await get(`${good}&RelayState=other`)).toBe(400);
    expect(await get(`${good}&SAMLRequest=other`)).toBe(400);
    expect(await get(`${url}/sso?SAMLRequest=%ff`)).toBe(400);
    expect(await get(`${url}/sso`)).toBe(400);
    const post = async (body: string) => (await new Tab().go(`${url}/sso`, { method: 'POST', body })).status;
    expect(await post(`SAMLRequest=${'A'.repeat(70_000)}`)).toBe(400);
    expect(
      await post(`SAMLRequest=${Buffer.from(' '.repeat(40_000)).toString('base64').slice(0, 60_000)}`),
    ).toBe(400);
    expect(await get(good)).toBe(303);
  });

  test('XML that parsers read in different ways', async () => {
    const { begin } = await samlWorld();
    const xml = requestIn(await begin()).replace(/^<\?xml[^>]*>\s*/, '');
    const issuer = 'https://shop.example/saml';
    const shapes: readonly string[] = [
      `<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>${xml.replace(issuer, '&e;')}`,
      `<!DOCTYPE r [<!ENTITY a "${'x'.repeat(100)}"><!ENTITY b "&a;&a;&a;">]>${xml}`,
      xml.replace(issuer, `https://shop.example<!-- -->/saml`),
      xml.replace(issuer, `<![CDATA[${issuer}]]>`),
      xml.replace(issuer, `<?pi x?>${issuer}`),
      xml.replace(issuer, `${issuer}&#0;`),
      xml.replace(issuer, `${issuer}<b/>`),
      xml.replace(' Version="2.0"', ' Version="2.0" Version="2.0"'),
      xml.replace(' ID=', ' xmlns:x="urn:oasis:names:tc:SAML:2.0:protocol" x:y="" x:y="" ID='),
      xml.replace('<samlp:AuthnRequest', '<samlp:AuthnRequest xmlns:q=""'),
      xml.replace('Version="2.0"', 'Version="2.0"\u00a0'),
      xml + xml,
      `${xml}trailing`,
      xml.replace('</samlp:AuthnRequest>', ''),
      xml.replace('</samlp:AuthnRequest>', '</samlp:AuthnRequests>'),
      xml.replace('samlp:AuthnRequest', 'other:AuthnRequest'),
    ];
    for (const shape of shapes) expect([shape, why(() => readAuthnRequest(shape))]).not.toContain('taken');
    expect(why(() => readAuthnRequest(xml))).toBe('taken');
    expect(readXml('<a b="&lt;&amp;" xmlns="u"><c>&gt;</c></a>')).toEqual({
      name: 'a',
      namespace: 'u',
      attributes: new Map([['b', '<&']]),
      children: [{ name: 'c', namespace: 'u', attributes: new Map(), children: [], text: '>' }],
      text: '',
    });
  });

  test('signature wrapping, a second SignedInfo, a comment in a digest, weak and foreign algorithms', async () => {
    const { privateKey, certificate } = newPair('shop');
    const world = await samlWorld(
      { serviceProviders: [{ ...SHOP, acsUrls: [...SHOP.acsUrls, EVIL], certificates: [certificate] }] },
      { privateKey, publicCert: certificate, skipRequestCompression: true },
    );
    const { shop, url } = world;
    const signed = async () =>
      Buffer.from(fieldsOf(await shop.getAuthorizeFormAsync(''))['SAMLRequest']!, 'base64').toString('utf8');
    const post = async (xml: string) => {
      const body = new URLSearchParams({ SAMLRequest: Buffer.from(xml).toString('base64') });
      return (await new Tab().go(`${url}/sso`, { method: 'POST', body })).status;
    };
    const xml = await signed();
    const bare = xml.replace(/^<\?xml[^>]*>\s*/, '');
    const id = /ID="([^"]+)"/.exec(bare)![1]!;
    const [signature = ''] = /<Signature [\s\S]*<\/Signature>/.exec(bare) ?? [];
    expect(signature).not.toBe('');
    const evil = bare.replace('"http://127.0.0.1:9/acs"', `"${EVIL}"`);
    const other = evil.replace(`ID="${id}"`, 'ID="_evil"');
    const inside = (outer: string, inner: string) =>
      outer.replace(
        '</samlp:AuthnRequest>',
        `<samlp:Extensions>${inner}</samlp:Extensions></samlp:AuthnRequest>`,
      );
    const [info = ''] = /<SignedInfo>[\s\S]*<\/SignedInfo>/.exec(signature) ?? [];
    const shapes: Readonly<Record<string, string>> = {
      'changed content': evil,
      'no signature': bare.replace(signature, ''),
      'XSW: the signed one inside, another outside': inside(other.replace(signature, ''), bare),
      'XSW: the signature outside, the signed one inside': inside(other, bare.replace(signature, '')),
      'XSW: two with one ID': inside(evil, bare.replace(signature, '')),
      'XSW: an ID in lower case': inside(evil, `<x id="${id}"/>`),
      'XSW: the signed one in an Object of the signature': other.replace(
        '</Signature>',
        `<Object>${bare.replace(signature, '')}</Object></Signature>`,
      ),
      'two signatures': bare.replace(signature, signature + signature),
      'CVE-2025-29774: two SignedInfo': bare.replace(info, info + info),
      'CVE-2025-29774: a hidden SignedInfo': bare.replace('</KeyInfo>', `${info}</KeyInfo>`),
      'CVE-2025-29775: a comment in the digest': evil.replace(/<DigestValue>/, '<DigestValue><!--x-->'),
      'an element in the digest': bare.replace('</DigestValue>', '<a/></DigestValue>'),
      'two references': bare.replace(/<Reference[\s\S]*<\/Reference>/, '$&$&'),
      'a reference to everything': bare.replace(`URI="#${id}"`, 'URI=""'),
      'HMAC with the certificate as the key': bare.replace(
        /SignatureMethod Algorithm="[^"]+"/,
        'SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"',
      ),
      XSLT: bare.replace(
        /Transform Algorithm="[^"]+"/,
        'Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"',
      ),
      'c14n with comments': bare.replace(/(CanonicalizationMethod Algorithm="[^"]+)"/, '$1WithComments"'),
    };
    for (const [name, shape] of Object.entries(shapes)) {
      expect([name, shape === bare]).toEqual([name, false]);
      expect([name, await post(shape)]).toEqual([name, 400]);
      // What is wrong in form is refused before any signature is looked at.
      const isOfForm = !['changed content', 'no signature'].includes(name);
      expect([name, why(() => readAuthnRequest(shape)) !== 'taken']).toEqual([name, isOfForm]);
    }
    expect(await post(xml)).toBe(303);
  });

  test('an approval is one of the sign-in and the browser that asked for it, and gives one response', async () => {
    const world = await samlWorld();
    const { begin, origin } = world;
    const [mine, theirs] = [new Tab(), new Tab()];
    const [victim, attacker] = [await mine.follow(await begin()), await theirs.follow(await begin())];
    const { body: shown } = await mine.post(`${victim.url}/login`, { userId: 'ada' });
    await approve(world, shown['match']!);
    expect((await theirs.post(`${victim.url}/state`)).status).toBe(404);
    expect((await theirs.post(`${attacker.url}/state`)).status).toBe(404);
    expect((await theirs.go(victim.url)).status).toBe(404);
    expect((await mine.go(`${attacker.url}/finish`)).status).toBe(404);
    const { body: state } = await mine.post(`${victim.url}/state`);
    const finish = new URL(state['next']!, origin).href;
    expect((await theirs.go(finish)).status).toBe(404);
    const outcomes = await Promise.all(
      [mine.go(finish), mine.go(finish)].map(async (one) => (await one).status),
    );
    expect(outcomes.sort()).toEqual([200, 409]);
    const cross = await mine.go(`${victim.url}/login`, {
      method: 'POST',
      headers: { origin: 'https://evil.net' },
      body: '{}',
    });
    expect(cross.status).toBe(403);
  });

  test('comments and markup in a NameID are text, whole', async () => {
    const names = ['admin@acme.com<!---->.evil.net', 'a</saml:NameID><saml:NameID>b', '&e;<![CDATA[x]]>"\''];
    let name = '';
    const { begin, signIn, check } = await samlWorld({ nameIdOf: () => name });
    const tab = new Tab();
    for (name of names) {
      const { profile } = await check(await signIn(tab, await begin()));
      expect(profile!.nameID).toBe(name);
    }
    name = 'a\u0000b';
    const page = await tab.follow(await begin());
    expect(page.response!.status).toBe(500);
  });
});
