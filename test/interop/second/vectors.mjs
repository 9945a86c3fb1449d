// The files of test/vectors against this implementation: docs/PROTOCOL.md, section 15.
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { fromHex, toBase64url, toHex } from './bytes.mjs';
import { checkDiscovery, Directory, documentTranscript, signDiscovery } from './discovery.mjs';
import { sealEnvelope } from './envelope.mjs';
import { bindContentType, coverHeaders } from './http.mjs';
import { fromPkcs8, identityFromSeed, publicKeyOf, toPkcs8, verifyEd25519 } from './identity.mjs';
import { bindRequest, checkBinding, outcome, Peer } from './peer.mjs';
import { createRecord, Memory, recordTranscript, verifyRecord } from './record.mjs';
import { createSuccession, followChain, successionTranscript, verifySuccession } from './succession.mjs';

export const load = (file) =>
  JSON.parse(readFileSync(new URL(`../../vectors/${file}`, import.meta.url), 'utf8'));
const idOf = (f) => outcome(Promise.resolve().then(f));

/** Counts cases and collects those that differ. */
export function tally() {
  const result = { cases: 0, failures: [] };
  const check = (name, got, want = 'accepted') => {
    result.cases++;
    if (!isDeepStrictEqual(got, want)) {
      const short = (v) => String(JSON.stringify(v)).slice(0, 200);
      result.failures.push(`${name}: ${short(got)} instead of ${short(want)}`);
    }
  };
  return { result, check };
}

export async function runIdentity() {
  const { result, check } = tally();
  const v = load('identity.json');
  for (const i of v.identities) {
    const seed = fromHex(i.seed);
    const id = identityFromSeed(seed);
    const got = {
      seed: i.seed,
      ed25519: toHex(id.ed25519),
      did: id.did,
      pkcs8: toHex(toPkcs8(seed)),
      x25519Secret: toHex(id.x25519.secretKey),
      x25519: toHex(id.x25519.publicKey),
      mlKem768: toHex(id.mlKem768.publicKey),
      mlDsa65: toHex(id.mlDsa65.publicKey),
    };
    const { mlKem768Seed, mlDsa65Seed, ...want } = i;
    check(`identity ${i.seed}`, got, want);
    check(`PKCS#8 ${i.seed}`, toHex(fromPkcs8(fromHex(i.pkcs8))), i.seed);
  }
  for (const c of v.badDids) check(`DID: ${c.name}`, await idOf(() => publicKeyOf(c.did)), c.error);
  for (const c of v.badPkcs8)
    check(`PKCS#8: ${c.name}`, await idOf(() => fromPkcs8(fromHex(c.pkcs8))), c.error);
  for (const c of v.signatures) {
    const got = verifyEd25519(fromHex(c.signature), fromHex(c.message), fromHex(c.publicKey));
    check(`signature: ${c.name}`, got, c.valid);
  }
  return result;
}

export async function runKeyRecord() {
  const { result, check } = tally();
  const v = load('key-record.json');
  for (const c of v.good) {
    const raw = verifyRecord(c.record, c.record.did);
    check(`${c.name}: version`, raw.version, c.version);
    check(`${c.name}: transcript`, toHex(recordTranscript(raw)), c.transcript);
    const { epoch, keyEpoch, notBefore, notAfter, next } = c.record;
    const made = createRecord(identityOf(c.seed, c.version), epoch, {
      ...{ keyEpoch, notBefore, notAfter, next: bytesOf(next) },
      encryption: identityOf(c.encryptionSeed ?? c.seed, c.version),
      random: () => fromHex(c.randomness.mlDsaRandom),
    });
    check(`${c.name}: made`, made, c.record);
  }
  for (const c of v.bad) check(c.name, await idOf(() => verifyRecord(c.record)), c.error);
  for (const s of v.sequences) {
    const memory = new Memory();
    for (const [n, step] of s.steps.entries()) {
      if ('forget' in step) memory.forget(s.did);
      else {
        const got = await idOf(() => memory.resolve(s.did, step.record ?? undefined));
        check(`${s.name}: ${n}`, got, step.error ?? 'accepted');
      }
    }
  }
  for (const c of v.recipients) {
    const entry = { record: c.record, receiveScopes: ['*'] };
    const sender = new Peer(identityOf(v.good[0].seed, 3), () => entry, { now: () => c.now });
    const id = await outcome(sender.seal(c.record.did, { scope: 'a', content: 1 }));
    check(c.name, id, c.error ?? 'accepted');
  }
  return result;
}

/** What a registry answers (`registry`) is not played: this implementation has none. */
export async function runSuccession() {
  const { result, check } = tally();
  const v = load('succession.json');
  for (const c of v.good) {
    const { issuedAt, overlapMs, next } = c.succession;
    const made = createSuccession(identityOf(c.fromSeed, c.fromVersion), identityOf(c.toSeed, c.toVersion), {
      issuedAt,
      overlapMs,
      next: bytesOf(next),
      random: () => fromHex(c.randomness.mlDsaRandom),
    });
    check(`${c.name}: made`, made, c.succession);
    check(`${c.name}: transcript`, toHex(successionTranscript(verifySuccession(c.succession))), c.transcript);
  }
  for (const c of v.bad) check(c.name, await idOf(() => verifySuccession(c.succession)), c.error);
  for (const c of v.chains)
    check(c.name, await idOf(() => followChain(c.chain, c.from, c.to)), c.error ?? 'accepted');
  return result;
}

export async function runDiscovery() {
  const { result, check } = tally();
  const v = load('discovery.json');
  const read = ({ document, origin = v.origin, now = v.now, pinnedDid }) =>
    idOf(() => checkDiscovery(document, { origin, now, pinned: pinnedDid }));
  for (const c of v.good) {
    const { signature, pqSignature, ...content } = c.document;
    const random = () => fromHex(c.randomness.mlDsaRandom);
    check(`${c.name}: transcript`, toHex(documentTranscript(content)), c.transcript);
    check(`${c.name}: made`, signDiscovery(identityOf(c.seed, c.version), content, random), c.document);
    check(c.name, await read(c));
  }
  for (const c of v.bad) check(c.name, await read(c), c.error);
  for (const s of v.sequences) {
    const directory = new Directory();
    for (const [n, { document, now = v.now, error = 'accepted' }] of s.steps.entries())
      check(`${s.name}: ${n}`, await idOf(() => directory.read(document, { origin: v.origin, now })), error);
  }
  return result;
}

export async function runRequestBinding() {
  const { result, check } = tally();
  const v = load('request-binding.json');
  for (const c of v.canonical) {
    check(`${c.method} ${c.target}`, bindRequest(c.method, c.target), c.request);
  }
  for (const c of v.checks) {
    const got = await idOf(() => checkBinding(c.signed, c.actual, c.required));
    check(c.name, got, c.error ?? 'accepted');
  }
  for (const c of v.contentTypes) check(c.header, bindContentType(c.header), c.contentType);
  for (const c of v.headers) {
    const { fields, fieldsDigest } = coverHeaders(c.headers);
    check(`${c.name}: fields`, fields ?? '', c.fields);
    check(`${c.name}: digest`, fieldsDigest ? toHex(fieldsDigest) : 'none', c.fieldsDigest ?? 'none');
  }
  return result;
}

function textOf(v, c) {
  if (c.envelope !== undefined) return c.envelope;
  if (c.envelopeHex !== undefined) return fromHex(c.envelopeHex);
  const { envelope } = v.good.find((g) => g.name === c.of);
  if (c.at === undefined) return envelope;
  return envelope.slice(0, c.at) + (c.insert ?? '') + envelope.slice(c.at + (c.cut ?? 0));
}

const identities = new Map();
export function identityOf(seed, version) {
  const key = `${seed} ${version}`;
  if (!identities.has(key)) identities.set(key, identityFromSeed(fromHex(seed), version));
  return identities.get(key);
}
const bytesOf = (text) => (text === undefined ? undefined : new Uint8Array(Buffer.from(text, 'base64url')));

function receiverOf(v, c, clock) {
  const settings = { ...v.receiver, now: v.now, ...c.settings };
  const registry = new Map();
  for (const { keys, ...entry } of v.registry) {
    const given = c.settings?.sendScopes;
    const sendScopes = given === null ? undefined : (given ?? entry.sendScopes);
    registry.set(entry.did, { ...entry, record: keys, sendScopes });
  }
  const peer = new Peer(identityOf(settings.seed, settings.maxVersion), (d) => registry.get(d), {
    now: clock,
    minVersion: settings.minVersion,
    versionFloor: settings.versionFloor,
    window: settings.timestampWindowMs,
    receiveScopes: settings.receiveScopes ?? undefined,
    maxBytes: settings.maxEnvelopeBytes,
    xchange: settings.xchange,
  });
  for (const record of settings.services ?? []) peer.adopt(record);
  return { settings, registry, peer };
}

async function receiveCase(v, c) {
  let clock;
  const { settings, registry, peer } = receiverOf(v, c, () => clock);
  const { request, requireRequestBinding: requireBinding = false, allowCleartext } = settings;
  const { kind, ownScope, inReplyTo } = settings;
  const options = { request, requireBinding, allowCleartext, kind, ownScope, inReplyTo };
  for (const [n, earlier] of (settings.before ?? []).entries()) {
    if (earlier.did) {
      registry.get(earlier.did).record = earlier.record ?? undefined;
      continue;
    }
    clock = earlier.now ?? v.now;
    const got = await outcome(
      peer.receive(textOf(v, earlier), { ...options, ...(earlier.kind ? { kind: earlier.kind } : {}) }),
    );
    if (got !== (earlier.error ?? 'accepted')) return `earlier envelope ${n}: ${got}`;
  }
  clock = settings.now;
  if (settings.revoked) registry.get(settings.revoked).status = 'revoked';
  let message;
  const got = await outcome(
    peer.receive(textOf(v, c), options).then((m) => {
      message = m;
    }),
  );
  return message ?? got;
}

/** A message as the files have it (15.2). */
function shapeOf({ from, to, content, bytes, nonce, ...rest }) {
  const message = { sender: from, envelopeId: nonce, ...rest };
  if (content !== undefined) message.payload = content;
  if (bytes !== undefined) message.bytes = toBase64url(bytes);
  return message;
}

export async function runShares() {
  const { result, check } = tally();
  const v = load('shares.json');
  for (const c of [...v.good, ...v.bad]) {
    const { settings, peer } = receiverOf(v, c, () => v.now);
    const got = [];
    for (const text of c.envelopes) {
      const { request, kind } = settings;
      const options = { request, kind, requireBinding: false, allowCleartext: false };
      let message;
      const id = await outcome(
        peer.receive(text, options).then((m) => {
          message = m;
        }),
      );
      got.push(message ? 'message' : id);
      if (message && c.message) check(`${c.name}: message`, shapeOf(message), c.message);
    }
    check(c.name, got, c.results);
    if (c.made) check(`${c.name}: made`, await shareTexts(v, c), c.made);
  }
  return result;
}

/** Makes the envelopes of a case with its randomness, in the order in which a sender takes it. */
async function shareTexts(v, c) {
  const { groupId, tagKey, pieces, contentKey, envelopes } = c.randomness;
  const fields = JSON.parse(c.made[0]);
  const nonces = envelopes.map(({ nonce }) => nonce);
  const queues = {
    nonce: ['00'.repeat(16), ...nonces],
    group: [groupId],
    tagKey: [tagKey],
    piece: [...pieces],
    contentKey: [contentKey],
    ephemeral: envelopes.map(({ ephemeralSecret }) => ephemeralSecret),
    m: envelopes.map(({ kemCoins }) => kemCoins),
    rnd: envelopes.map(({ mlDsaRandom }) => mlDsaRandom),
  };
  const { did, keys } = v.registry.find((r) => r.did === fields.to);
  const entry = { record: keys, receiveScopes: ['*'] };
  const sender = new Peer(identityOf(c.senderSeed, 3), () => entry, {
    now: () => fields.timestamp,
    random: (_, what) => fromHex(queues[what].shift()),
  });
  return sender.sealShares(did, {
    n: c.totalShares,
    k: c.threshold,
    routes: c.routes.map((text) => text.split(',').map(Number)),
    xchange: c.xchange,
    version: c.version,
    scope: fields.scope,
    ...(fields.inReplyTo === undefined ? {} : { inReplyTo: bytesOf(fields.inReplyTo) }),
    bytes: fromHex(c.content),
    contentType: c.contentType,
  });
}

const RANDOMNESS = { ephemeral: 'ephemeralSecret', m: 'kemCoins', rnd: 'mlDsaRandom' };

function sealCase(v, c) {
  const e = JSON.parse(c.envelope);
  const sender = identityOf(c.senderSeed, 3);
  const fields = { ...e, nonce: fromHex(c.randomness.nonce) };
  for (const name of ['payload', 'signature', 'pqSignature', 'ephemeralPub', 'kemCiphertext', 'keyEpoch'])
    delete fields[name];
  for (const name of ['fieldsDigest', 'contentDigest', 'inReplyTo'])
    if (name in e) fields[name] = bytesOf(e[name]);
  const recipient = e.ephemeralPub && verifyRecord(v.registry.find((r) => r.did === e.to).keys, e.to);
  const { contentType, headers } = c;
  const content = c.content === undefined ? undefined : { bytes: fromHex(c.content), contentType, headers };
  return sealEnvelope(sender, fields, content, recipient ? 'encrypted' : 'signed', recipient, (_, what) =>
    fromHex(c.randomness[RANDOMNESS[what]]),
  );
}

export async function runEnvelopes(file) {
  const { result, check } = tally();
  const v = load(file);
  for (const c of v.good) {
    const got = await receiveCase(v, c);
    check(c.name, typeof got === 'string' ? got : shapeOf(got), c.message);
    if (!c.reproducible) continue;
    const made = sealCase(v, c);
    check(`${c.name}: made`, made.text, c.envelope);
    if (c.steps) {
      const steps = Object.entries(made.steps).filter(([, value]) => value);
      check(
        `${c.name}: steps`,
        Object.fromEntries(steps.map(([name, value]) => [name, toHex(value)])),
        c.steps,
      );
    }
    check(`${c.name}: nonce`, made.nonce, toBase64url(fromHex(c.randomness.nonce)));
  }
  for (const c of v.bad) {
    const got = await receiveCase(v, c);
    check(c.name, typeof got === 'string' ? got : 'accepted', c.error);
  }
  return result;
}
