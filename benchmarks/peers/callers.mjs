// What each kind of caller sends: whole requests, made ahead, so that a burst costs the load generator as good as nothing.
import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { Agent, requestBinding, xlinkAuthorization } from '@private.me/xlink';
import { httpbis } from 'http-message-signatures';
import { exportJWK, SignJWT } from 'jose';
import { httpRequest } from '../load.mjs';
import { BODY, JSON_TYPE } from '../xlink-caller.mjs';

/** Keys of the callers, and what the server has to know of them. */
export async function credentials() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ed = generateKeyPairSync('ed25519');
  return {
    rsa,
    ed,
    jwks: { keys: [{ ...(await exportJWK(rsa.publicKey)), kid: 'rsa-1', alg: 'RS256', use: 'sig' }] },
    edJwk: await exportJWK(ed.publicKey),
  };
}

const token = (claims, alg, kid, key) =>
  new SignJWT({ scope: 'orders' })
    .setProtectedHeader({ alg, typ: 'at+jwt', ...(kid ? { kid } : {}) })
    .setIssuer(claims.issuer)
    .setAudience(claims.audience)
    .setSubject('acme')
    .setIssuedAt()
    .setExpirationTime('2h')
    .sign(key);

/** Those that are not ours: one function each that makes a request. */
export async function others({ apiKey, jwt, rsa, ed, hpkeKey }) {
  const post = (path, headers, body = BODY) => httpRequest('POST', path, { ...JSON_TYPE, ...headers }, body);
  const constant = (bytes) => async () => bytes;
  const bearer = async (alg, kid, key) => ({ Authorization: `Bearer ${await token(jwt, alg, kid, key)}` });
  const privateKey = createPrivateKey({
    key: ed.privateKey.export({ format: 'der', type: 'pkcs8' }),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    bare: constant(post('/bare/orders')),
    hand: constant(post('/hand/orders', { 'X-API-Key': apiKey })),
    key: constant(post('/xlink/orders', { 'X-API-Key': apiKey })),
    oauth: constant(post('/oauth/orders', await bearer('RS256', 'rsa-1', rsa.privateKey))),
    jose: constant(post('/jose/orders', await bearer('EdDSA', undefined, ed.privateKey))),
    signed: () => signed(privateKey, post),
    hpke: await hpke(hpkeKey, privateKey, post),
  };
}

async function signed(privateKey, post) {
  const headers = {
    'Content-Type': 'application/json',
    'Content-Digest': `sha-256=:${createHash('sha256').update(BODY).digest('base64')}:`,
  };
  const { headers: made } = await httpbis.signMessage(
    {
      key: { id: 'acme', alg: 'ed25519', sign: async (data) => sign(null, data, privateKey) },
      fields: ['@method', '@target-uri', 'content-digest', 'content-type'],
    },
    { method: 'POST', url: 'http://localhost/signed/orders', headers },
  );
  return post('/signed/orders', made);
}

async function hpke(rawKey, privateKey, post) {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const bytes = new Uint8Array(Buffer.from(rawKey, 'base64'));
  const recipientPublicKey = await suite.kem.deserializePublicKey(bytes);
  return async () => {
    const sender = await suite.createSenderContext({ recipientPublicKey });
    const sealed = Buffer.concat([Buffer.from(sender.enc), Buffer.from(await sender.seal(BODY))]);
    const body = Buffer.concat([sign(null, sealed, privateKey), sealed]);
    return post('/hpke/orders', { 'Content-Type': 'application/octet-stream' }, body);
  };
}

/** A caller whose envelope is in a header, and signs for the body beside it. */
export async function headerCaller({ registry, register, service }) {
  const agent = await Agent.quickstart({ registry, maxVersion: 2 });
  await register({ did: agent.did, keys: await agent.keyRecord() });
  await registry.register({ did: service.did, keys: service.keyRecord });
  const path = '/xlink/orders';
  return async () => {
    const envelope = await agent.createRequest({
      to: service.did,
      request: requestBinding('POST', path),
      content: BODY,
      contentType: 'application/json',
      signedOnly: true,
    });
    return httpRequest('POST', path, { ...JSON_TYPE, Authorization: xlinkAuthorization(envelope) }, BODY);
  };
}
