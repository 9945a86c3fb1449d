// One POST of 1 KiB behind each way to prove a caller, below a path of its own. Started by peers.mjs in a process of its own.
import { createHash, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { once } from 'node:events';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { Agent, DualModeAdapter, MemoryTrustRegistry } from '@private.me/xlink';
import { RedisSequenceStore, RedisTicketKeyStore, redisClientOptions } from '@private.me/xlink/redis';
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { httpbis } from 'http-message-signatures';
import { importJWK, jwtVerify } from 'jose';
import { createClient } from 'redis';

const { apiKey, jwt, ed25519, redisUrl } = JSON.parse(process.env.PEERS);
const customer = { clientId: 'acme', scopes: ['orders'] };
const orders = express.Router().post('/orders', express.json(), (req, res) => {
  res.status(201).json({ id: 'order-1', accepted: req.body.text.length });
});

const registry = new MemoryTrustRegistry();
const MANY = 2 ** 24;
const adapterOf = async (sessions) =>
  new DualModeAdapter({
    agent: await Agent.quickstart({ registry, maxVersion: 3, name: 'orders-api' }),
    mode: 'hybrid',
    maxNoncesPerClient: MANY,
    legacyKeyValidator: (key) => (key === apiKey ? customer : null),
    sessions,
  });
const redis = redisUrl && (await createClient({ ...redisClientOptions.nodeRedis, url: redisUrl }).connect());
const adapter = await adapterOf({ handshakesPerMinute: 100_000 });
const shared =
  redis &&
  (await adapterOf({
    handshakesPerMinute: 100_000,
    sequences: new RedisSequenceStore({ client: redis, keyPrefix: 'peers:seq:' }),
    tickets: new RedisTicketKeyStore({ client: redis, keyPrefix: 'peers:tickets:' }),
  }));

const refused = (res) => res.status(401).json({ error: 'unauthorized' });
const byHand = (req, res, next) => {
  if (req.headers['x-api-key'] !== apiKey) return refused(res);
  req.auth = customer;
  next();
};

const edKey = await importJWK(ed25519.jwk, 'EdDSA');
const byJose = async (req, res, next) => {
  try {
    const token = req.headers.authorization.slice('Bearer '.length);
    req.auth = await jwtVerify(token, edKey, { issuer: jwt.issuer, audience: jwt.audience });
  } catch {
    return refused(res);
  }
  next();
};

const edPublic = createPublicKey({ key: ed25519.jwk, format: 'jwk' });
const fields = ['@method', '@target-uri', 'content-digest', 'content-type'];
const bySignature = [
  express.raw({ type: () => true }),
  async (req, res, next) => {
    const { method, headers, body } = req;
    const digest = createHash('sha256').update(body).digest();
    const said = Buffer.from(headers['content-digest'].slice('sha-256=:'.length, -1), 'base64');
    const isSigned =
      said.length === 32 &&
      timingSafeEqual(said, digest) &&
      (await httpbis.verifyMessage(
        {
          keyLookup: async () => ({
            id: 'acme',
            algs: ['ed25519'],
            verify: async (data, bytes) => verify(null, data, edPublic, bytes),
          }),
          requiredFields: fields,
        },
        { method, url: `http://localhost${req.originalUrl}`, headers },
      ));
    if (!isSigned) return refused(res);
    req.body = JSON.parse(body);
    next();
  },
];

// What one would write by hand for the same as version 1 says: one HPKE message, signed. Nothing against replays.
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});
const hpkeKeys = await suite.kem.generateKeyPair();
const byHpke = [
  express.raw({ type: () => true }),
  async (req, res, next) => {
    const [signature, enc, sealed] = [
      req.body.subarray(0, 64),
      req.body.subarray(64, 96),
      req.body.subarray(96),
    ];
    if (!verify(null, req.body.subarray(64), edPublic, signature)) return refused(res);
    const recipient = await suite.createRecipientContext({ recipientKey: hpkeKeys.privateKey, enc });
    req.body = JSON.parse(Buffer.from(await recipient.open(sealed)));
    next();
  },
];

const raw = Buffer.from(await suite.kem.serializePublicKey(hpkeKeys.publicKey));
const listen = async (app) => {
  const server = app.listen(0, '127.0.0.1');
  server.keepAliveTimeout = 600_000;
  await once(server, 'listening');
  return server.address().port;
};
const others = express()
  .use('/bare', orders)
  .use('/hand', byHand, orders)
  .use('/oauth', auth({ issuer: jwt.issuer, audience: jwt.audience, jwksUri: jwt.jwksUri }), orders)
  .use('/jose', byJose, orders)
  .use('/signed', bySignature, orders)
  .use('/hpke', byHpke, orders);
const behind = (adapter) => express().use(adapter.middleware()).use('/xlink', orders);
process.send({
  ports: {
    others: await listen(others),
    xlink: await listen(behind(adapter)),
    ...(shared ? { shared: await listen(behind(shared)) } : {}),
  },
  hpkeKey: raw.toString('base64'),
});
process.on('message', async (message) => {
  if (message.register) await registry.register(message.register);
  process.send({ ...process.cpuUsage(), memory: process.memoryUsage().heapUsed });
});
process.on('disconnect', () => process.exit());
