// Signed requests: what the adapter takes for each, beside the primitives alone and beside a library that only verifies.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { Agent, DualModeAdapter, MemoryNonceStore, MemoryTrustRegistry } from '@private.me/xlink';
import { httpbis } from 'http-message-signatures';
import { readSignedRequest } from '../dist/esm/signature/signed-request.js';
import { ratioInterval, rounds, spread, table } from './stats.mjs';

const BODY = randomBytes(1024);
const PER_ROUND = 200;
const MIN_ROUNDS = 10;
const COVERED = ['@method', '@path', '@query', 'xlink-to', 'xlink-scope', 'content-digest', 'content-type'];

/** A header as it comes from the network, in one piece: what was put together would be put together again when it is read. */
const received = (text) => Buffer.from(text, 'latin1').toString('latin1');

export async function benchSignatures(seconds) {
  const registry = new MemoryTrustRegistry();
  const nonceStore = new MemoryNonceStore({ coldStart: 'accept', maxEntries: 2 ** 20 });
  const agent = await Agent.quickstart({ name: 'api', registry, nonceStore });
  const caller = await Agent.quickstart({ name: 'caller', registry, maxVersion: 2 });
  const key = createPrivateKey({
    key: Buffer.from(await caller.exportPKCS8()),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = createPublicKey(key);
  const adapter = new DualModeAdapter({
    agent,
    mode: 'xlink-only',
    signatures: true,
    legacyKeyValidator: () => null,
    maxNoncesPerClient: 2 ** 24,
  });
  const digest = `sha-256=:${createHash('sha256').update(BODY).digest('base64')}:`;

  /** A request as a server gets it. */
  const request = () => {
    const headers = {
      host: 'api.example.com',
      'content-length': String(BODY.length),
      'content-type': 'application/octet-stream',
      'content-digest': digest,
      'xlink-to': agent.did,
      'xlink-scope': '*',
    };
    const list = COVERED.map((name) => `"${name}"`).join(' ');
    const nonce = randomBytes(16).toString('base64url');
    const params = `(${list});created=${Math.floor(Date.now() / 1000)};keyid="${caller.did}";alg="ed25519";nonce="${nonce}";tag="xlink"`;
    const values = { ...headers, '@method': 'POST', '@path': '/orders', '@query': '?limit=5' };
    const base = Buffer.from(
      [...COVERED.map((name) => `"${name}": ${values[name]}`), `"@signature-params": ${params}`].join('\n'),
    );
    const signature = sign(null, base, key);
    headers['signature-input'] = received(`xlink=${params}`);
    headers.signature = received(`xlink=:${signature.toString('base64')}:`);
    return { headers, base, signature };
  };
  const inbound = (headers) => ({
    method: 'POST',
    target: '/orders?limit=5',
    raw: {},
    hasBody: true,
    header: (name) => headers[name],
    readBody: async () => BODY,
  });

  const contenders = {
    'Ed25519 verify and SHA-256 alone': async ({ base, signature }) => {
      createHash('sha256').update(BODY).digest();
      return verify(null, base, publicKey, signature);
    },
    'ours: form, signature base, signature, digest': async ({ headers }) => {
      const { ed25519, contentDigest } = readSignedRequest(inbound(headers));
      const isBody = createHash('sha256').update(BODY).digest('base64url') === contentDigest;
      return isBody && verify(null, ed25519.base, publicKey, ed25519.signature);
    },
    'ours: adapter.decide, with registry, nonce, quota, scopes': async ({ headers }) =>
      (await adapter.decide(inbound(headers))).action === 'pass',
    'http-message-signatures, and the digest by hand': async ({ headers }) => {
      if (`sha-256=:${createHash('sha256').update(BODY).digest('base64')}:` !== headers['content-digest'])
        return false;
      return httpbis.verifyMessage(
        {
          keyLookup: async () => ({
            id: caller.did,
            algs: ['ed25519'],
            verify: async (data, bytes) => verify(null, data, publicKey, bytes),
          }),
          requiredFields: COVERED,
          tolerance: 2000,
        },
        { method: 'POST', url: 'https://api.example.com/orders?limit=5', headers },
      );
    },
  };
  const items = Object.entries(contenders).map(([name, run]) => ({ name, run, results: [] }));
  const measure = async ({ run, results }) => {
    const made = Array.from({ length: PER_ROUND }, request);
    const started = process.cpuUsage(); // what others do on the machine does not count
    for (const each of made) if (!(await run(each))) throw new Error('a signature was refused');
    const { user, system } = process.cpuUsage(started);
    results.push((user + system) / PER_ROUND);
  };
  await rounds(seconds / 4, 1, items, measure);
  for (const item of items) item.results = [];
  await rounds((seconds * 3) / 4, MIN_ROUNDS, items, measure);
  const [floor] = items;
  return table([
    ['', 'us', 'of the primitives'],
    ...items.map(({ name, results }) => {
      const { ratio, low, high } = ratioInterval(results.map((time, at) => [time, floor.results[at]]));
      return [name, spread(results), `${ratio.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`];
    }),
  ]);
}
