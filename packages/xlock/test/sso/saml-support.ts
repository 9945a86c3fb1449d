import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SAML, type SamlConfig } from '@node-saml/node-saml';
import { MemoryOperationsStore } from '@private.me/xlink';
import type { XlockVerifierOptions } from '../../src/index.js';
import { type SamlServiceProvider, type XlockSamlOptions, xlockSaml } from '../../src/sso/index.js';
import { findProgram } from '../servers.js';
import { adaAt, approve, place, type Tab } from './support.js';

/** Whether certificates can be made here. */
export const hasOpenssl = findProgram('openssl') !== undefined;

/** A new RSA key and its certificate, PEM. */
export function newPair(name: string): { readonly privateKey: string; readonly certificate: string } {
  const folder = mkdtempSync(join(tmpdir(), 'xlock-saml-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`];
    execFileSync(findProgram('openssl')!, [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { privateKey: readFileSync(key, 'utf8'), certificate: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const SP = 'https://shop.example/saml';
export const ACS = 'http://127.0.0.1:9/acs'; // nobody is there: what is posted there is read from the form
export const SHOP: SamlServiceProvider = { entityId: SP, name: 'Acme Shop', acsUrls: [ACS] };

let idpPair: ReturnType<typeof newPair> | undefined;
/** The key of the identity provider, the same in all tests of a file. */
export const idpKeys = () => (idpPair ??= newPair('idp'));

/** The fields of the form on a page, unescaped. */
export function fieldsOf(html: string): Record<string, string> {
  const plain = (text: string) =>
    text.replace(/&#(x?)(\w+);/g, (_, hex, code) =>
      String.fromCharCode(Number.parseInt(code, hex ? 16 : 10)),
    );
  const found = [...html.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
    name!,
    plain(value!),
  ]);
  const [, action = ''] = /action="([^"]*)"/.exec(html) ?? [];
  return { ...Object.fromEntries(found), action: plain(action) };
}

export const xmlOf = (saml: string): string => Buffer.from(saml, 'base64').toString('utf8');

/** The XML of a request in a redirect. */
export const requestIn = (url: string): string =>
  inflateRawSync(Buffer.from(new URL(url).searchParams.get('SAMLRequest')!, 'base64')).toString('utf8');

/** A redirect with this XML. */
export const redirectWith = (url: string, xml: string | Buffer): string => {
  const to = new URL(url);
  to.searchParams.set('SAMLRequest', deflateRawSync(xml).toString('base64'));
  return to.href;
};

/** An identity provider, a service as node-saml sees it, and what its user needs. */
export async function samlWorld(
  options: Partial<XlockSamlOptions> = {},
  service: Partial<SamlConfig> = {},
  verifierOptions: Partial<XlockVerifierOptions> = {},
) {
  const { url: origin, serve } = await place();
  const url = `${origin}/saml`;
  const store = new MemoryOperationsStore();
  const ada = await adaAt(origin, { store, ...verifierOptions });
  const idp = await xlockSaml({
    verifier: ada.verifier,
    url,
    serviceProviders: [SHOP],
    store,
    waitMs: 5000,
    ...idpKeys(),
    ...options,
  });
  serve(idp.handler);
  const sp = (more: Partial<SamlConfig> = {}) =>
    new SAML({
      callbackUrl: ACS,
      entryPoint: `${url}/sso`,
      issuer: SP,
      idpIssuer: idp.entityId,
      idpCert: idpKeys().certificate,
      identifierFormat: null,
      signatureAlgorithm: 'sha256',
      digestAlgorithm: 'sha256',
      validateInResponseTo: 'always' as never,
      ...service,
      ...more,
    });
  const shop = sp();
  const begin = (relayState = '', from: SAML = shop) => from.getAuthorizeUrlAsync(relayState, undefined, {});

  /** Walks a tab through a login that Ada approves; the form that goes to the service. */
  async function signIn(tab: Tab, to: string): Promise<Record<string, string>> {
    let page = await tab.follow(to);
    if (!page.url.endsWith('/finish') && page.response?.status === 200) {
      const { body } = await tab.post(`${page.url}/login`, { userId: 'ada' });
      await approve(ada, body['match']!);
      const { body: state } = await tab.post(`${page.url}/state`);
      page = await tab.follow(new URL(state['next']!, page.url).href);
    }
    return fieldsOf(await page.response!.text());
  }

  const check = (fields: Record<string, string>, from: SAML = shop) =>
    from.validatePostResponseAsync({ SAMLResponse: fields['SAMLResponse']! });

  return { ...ada, origin, url, idp, store, sp, shop, begin, signIn, check };
}
