// Discovery: docs/PROTOCOL.md, section 12.6. Both ends, without a network.
import { sha256 } from '@noble/hashes/sha2.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { EMPTY, fail, fromBase64url, LP, toBase64url, u64, utf8 } from './bytes.mjs';
import { publicKeyOf, signEd25519, verifyEd25519 } from './identity.mjs';
import { Memory, recordTranscript, verifyRecord } from './record.mjs';
import { followChain, parseSuccession, successionTranscript } from './succession.mjs';

const LABEL = utf8('xlink/1 discovery');
const texts = (list) => LP(...list.map((text) => utf8(String(text))));
const sorted = (object) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));

/** Of a document as it is in JSON. */
export const documentTranscript = (d) =>
  LP(
    LABEL,
    texts(d.hosts),
    utf8(d.did),
    utf8(d.name ?? ''),
    sha256(recordTranscript(verifyRecord(d.keyRecord, d.did))),
    texts(d.versions),
    utf8(d.mode),
    d.acceptsEnvelopes ? Uint8Array.of(1) : EMPTY,
    texts(sorted(d.endpoints ?? {}).flat()),
    texts(d.publicPaths),
    d.succession ? sha256(LP(...d.succession.map(parseSuccession).map(successionTranscript))) : EMPTY,
    u64(d.issuedAt),
    u64(d.notAfter),
  );

/** 12.6, service: a document, signed by the identity. */
export function signDiscovery(id, document, random = randomBytes) {
  const transcript = documentTranscript(document);
  const signed = { ...document, signature: toBase64url(signEd25519(transcript, id.seed)) };
  if (!id.mlDsa65) return signed;
  const options = { context: LABEL, extraEntropy: random(32, 'rnd') };
  return { ...signed, pqSignature: toBase64url(ml_dsa65.sign(transcript, id.mlDsa65.secretKey, options)) };
}

const isText = (value) => typeof value === 'string' && !/\p{Cs}/u.test(value);
const isTexts = (list, min, max) =>
  Array.isArray(list) &&
  list.length >= min &&
  list.length <= max &&
  list.every((text) => isText(text) && text.length <= 1024);
const isTime = (n) => Number.isSafeInteger(n) && n >= 0;
const NAME = /^[^\p{Cc}\p{Cf}]{1,256}$/u;
const MODES = ['observe', 'hybrid', 'deprecation', 'xlink-only'];
const SKEW = 300_000;

/** A chain that ends at `did`, in form: each step begins where the one before it ended, and no DID comes twice. */
function isChain(chain, did) {
  if (!Array.isArray(chain) || chain.length < 1 || chain.length > 16) return false;
  const dids = [...chain.map(parseSuccession).map(({ from }) => from), did];
  return new Set(dids).size === dids.length && chain.every(({ to }, n) => to === dids[n + 1]);
}

/** 12.6, client: checks 7 to 17 of a document that was read at `origin`. `seen`: { did, issuedAt, says, mlDsa65, next } of the origin, if any. */
export function checkDiscovery(d, { origin, now, pinned, seen }) {
  const check = (condition, id = 'INVALID') => condition || fail(`DISCOVERY_FAILED:${id}`);
  const orInvalid = (f) => {
    try {
      return f();
    } catch {
      return check(false);
    }
  };
  check(typeof d === 'object' && d !== null && !Array.isArray(d));
  const key = orInvalid(() => publicKeyOf(d.did));
  const expected = pinned ?? seen?.did;
  const chain = Array.isArray(d.succession) ? d.succession : [];
  const isNamed = expected === undefined || [d.did, ...chain.map((step) => step?.from)].includes(expected);
  check(isNamed, 'OTHER_IDENTITY');
  const record = orInvalid(() => verifyRecord(d.keyRecord, d.did));
  check(d.name === undefined || (isText(d.name) && NAME.test(d.name)));
  check(MODES.includes(d.mode) && typeof d.acceptsEnvelopes === 'boolean');
  check(isTexts(d.hosts, 1, 64) && isTexts(d.publicPaths, 0, 1000));
  check(
    isTime(d.issuedAt) &&
      isTime(d.notAfter) &&
      d.notAfter >= d.issuedAt &&
      d.notAfter <= d.issuedAt + 300_000,
  );
  check(
    Array.isArray(d.versions) && d.versions.length >= 1 && new Set(d.versions).size === d.versions.length,
  );
  check(d.versions.every((v) => Number.isInteger(v) && v >= 1 && v <= record.version));
  const { endpoints = {} } = d;
  check(typeof endpoints === 'object' && endpoints !== null && !Array.isArray(endpoints));
  check(Object.keys(endpoints).length <= 32 && Object.entries(endpoints).flat().every(isText));
  check(d.succession === undefined || orInvalid(() => isChain(d.succession, d.did)));
  const transcript = documentTranscript(d);
  const bytes = (text) => (typeof text === 'string' ? fromBase64url(text) : undefined) ?? EMPTY;
  check(verifyEd25519(bytes(d.signature), transcript, key));
  if (record.mlDsa65) {
    const pq = bytes(d.pqSignature);
    check(pq.length === 3309 && ml_dsa65.verify(pq, transcript, record.mlDsa65, { context: LABEL }));
  } else check(d.pqSignature === undefined);
  if (expected !== undefined && expected !== d.did) {
    try {
      followChain(chain, pinned === undefined ? seen : { did: pinned }, d.keyRecord);
    } catch {
      check(false, 'OTHER_IDENTITY');
    }
  }
  check(d.hosts.includes(new URL(origin).host), 'OTHER_HOST');
  const clock = Math.max(now, seen?.issuedAt ?? 0);
  check(d.notAfter >= clock - SKEW && d.issuedAt <= clock + SKEW, 'EXPIRED');
  for (const name of ['enroll', 'key']) {
    const path = endpoints[name];
    if (path === undefined) continue;
    check(path.length <= 2048 && path.startsWith('/') && !path.includes('#'));
    const url = orInvalid(() => new URL(path, origin));
    check(url.origin === origin);
  }
  if (seen && expected === d.did)
    for (const name of ['mlDsa65', 'next'])
      if (seen[name] !== undefined && seen[name] !== d.keyRecord[name]) fail('KEY_RECORD_INVALID');
  check(!seen || d.issuedAt >= seen.issuedAt || seen.says === saidBy(d), 'ROLLED_BACK');
  return d;
}

/** What a document says, as far as an older one may say the same. */
const saidBy = ({ did, versions, mode, acceptsEnvelopes, endpoints: { enroll, key } = {}, publicPaths }) =>
  JSON.stringify([did, versions, mode, acceptsEnvelopes, enroll, key, publicPaths]);

/** A client with a memory of services, by origin, and of their records. */
export class Directory {
  #seen = new Map();
  #records = new Memory();

  /** Checks 7 to 18. */
  read(document, { origin, now }) {
    const seen = this.#seen.get(origin);
    const { did, issuedAt, keyRecord } = checkDiscovery(document, { origin, now, seen });
    this.#records.resolve(did, keyRecord);
    if (seen && issuedAt < seen.issuedAt) return;
    const { mlDsa65, next } = keyRecord;
    this.#seen.set(origin, { did, issuedAt, says: saidBy(document), mlDsa65, next });
  }
}
