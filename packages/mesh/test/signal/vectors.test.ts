import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { Kem } from '../../src/signal/crypto/kem.js';
import { keyPairOf } from '../../src/signal/crypto/primitives.js';
import { prekeyStatement, signBatch, toBytes, toText } from '../../src/signal/prekeys/signed.js';
import { decodeHeader } from '../../src/signal/ratchet/header.js';
import { decrypt, encrypt } from '../../src/signal/ratchet/ratchet.js';
import { DEFAULT_LIMITS, type RatchetState } from '../../src/signal/ratchet/state.js';
import { beginFrom, beginWith } from '../../src/signal/session/handshake.js';
import { decodeMessage, encodeMessage, type Preamble } from '../../src/signal/session/message.js';
import { batchOf, isSigned, Reference } from './reference.js';
import { bytes, text } from './support.js';

const FILE = new URL('./vectors.json', import.meta.url);

/** The n-th secret of a case: SHA-256 of this text, twice as long with another one behind it. */
class Secrets {
  #count = 0;
  readonly #name: string;
  constructor(name: string) {
    this.#name = name;
  }

  next(length: 32 | 64 = 32): Uint8Array {
    const one = (part: number) =>
      createHash('sha256').update(`mesh signal ${this.#name} ${this.#count} ${part}`).digest();
    const out = Buffer.concat([one(0), one(1)]).subarray(0, length);
    this.#count++;
    return new Uint8Array(out);
  }
}

/** ML-KEM of noble, on secrets that can be repeated. */
const kemOf = (secrets: Secrets): Kem => ({
  async newPair(seed = secrets.next(64)) {
    return { seed, public: ml_kem768.keygen(seed).publicKey };
  },
  async encapsulate(publicKey) {
    const made = ml_kem768.encapsulate(publicKey, secrets.next());
    return { secret: made.sharedSecret, ciphertext: made.cipherText };
  },
  decapsulate: async (seed, ciphertext) =>
    ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey),
});

const CASES = [
  { name: 'one-time', oneTime: true, kemRatchet: false },
  { name: 'last resort', oneTime: false, kemRatchet: false },
  { name: 'kem ratchet', oneTime: true, kemRatchet: true },
];
/** Who speaks: two turns of each, with several messages in one. */
const TURNS = ['alice', 'alice', 'bob', 'alice', 'bob', 'bob', 'alice'] as const;
const DIDS = { alice: 'did:key:zAlice', bob: 'did:key:zBob' };
type Case = (typeof CASES)[number];

function keysOf({ name, oneTime, kemRatchet }: Case) {
  const secrets = new Secrets(name);
  const alice = secrets.next();
  const bob = { did: DIDS.bob, identity: secrets.next(), prekey: secrets.next(), kemSeed: secrets.next(64) };
  const owner = { ...bob, ...(oneTime ? { oneTime: secrets.next() } : {}) };
  const signature = new Uint8Array(64).fill(7);
  const ephemeral = secrets.next();
  const encapsulation = secrets.next();
  const turns = { alice: new Secrets(`${name} alice`), bob: new Secrets(`${name} bob`) };
  return {
    alice,
    owner,
    signature,
    ephemeral,
    encapsulation,
    turns,
    kemRatchet,
    numbers: { prekey: 5, kem: oneTime ? 9 : 6 },
  };
}

/** The package talks to itself; what it sends. */
async function playPackage(one: Case): Promise<string[]> {
  const { alice, owner, signature, ephemeral, encapsulation, turns, kemRatchet, numbers } = keysOf(one);
  const handshakeKem: Kem = {
    ...kemOf(turns.alice),
    async encapsulate(publicKey) {
      const made = ml_kem768.encapsulate(publicKey, encapsulation);
      return { secret: made.sharedSecret, ciphertext: made.cipherText };
    },
  };
  const own = (who: 'alice' | 'bob') => ({
    ...{ did: DIDS[who], identity: keyPairOf(who === 'alice' ? alice : owner.identity), signature },
  });
  const kemPublic = ml_kem768.keygen(owner.kemSeed).publicKey;
  const bundle = {
    ...{ did: DIDS.bob, identity: keyPairOf(owner.identity).public },
    signedPrekey: { id: numbers.prekey, key: keyPairOf(owner.prekey).public },
    kem: { id: numbers.kem, key: kemPublic, lastResort: !one.oneTime },
    ...(owner.oneTime ? { oneTime: { id: numbers.kem, key: keyPairOf(owner.oneTime).public } } : {}),
  };
  const how = { kemRatchet, now: 0, newKeyPair: () => keyPairOf(ephemeral) };
  const begun = await beginWith(own('alice'), bundle, handshakeKem, how);
  const states: { alice: RatchetState; bob?: RatchetState } = { alice: begun.ratchet };
  let preamble: Preamble | undefined = begun.preamble;
  const wires: string[] = [];
  for (const [at, who] of TURNS.entries()) {
    const kem = kemOf(turns[who]);
    const newKeyPair = () => keyPairOf(turns[who].next());
    const made = await encrypt(states[who]!, bytes(`message ${at}`), { kem, newKeyPair });
    states[who] = made.state;
    const { header, sealed } = made;
    const front = who === 'alice' && preamble ? { preamble } : {};
    const wire = encodeMessage({ session: begun.session, header, sealed, ...front });
    wires.push(toText(wire));
    const other = who === 'alice' ? 'bob' : 'alice';
    const read = decodeMessage(wire);
    if (!states.bob) {
      const keys = {
        ...{ signedPrekey: keyPairOf(owner.prekey), kem: owner.kemSeed, kemPublic },
        ...(owner.oneTime ? { oneTime: owner.oneTime, oneTimePublic: keyPairOf(owner.oneTime).public } : {}),
      };
      const answered = await beginFrom(own('bob'), DIDS.alice, read.preamble!, keys, kem, 0);
      expect(answered.session).toEqual(begun.session);
      states.bob = answered.ratchet;
    }
    const opened = await decrypt(
      states[other]!,
      decodeHeader(read.header),
      read.sealed,
      DEFAULT_LIMITS,
      0,
      kemOf(turns[other]),
    );
    states[other] = opened.state;
    expect(text(opened.plaintext)).toBe(`message ${at}`);
    if (who === 'bob') preamble = undefined;
  }
  return wires;
}

/** The second implementation talks to itself. */
function playReference(one: Case): string[] {
  const { alice, owner, signature, ephemeral, encapsulation, turns, kemRatchet, numbers } = keysOf(one);
  const fresh = (who: 'alice' | 'bob') => () => {
    const secret = turns[who].next();
    const kemSeed = kemRatchet ? turns[who].next(64) : new Uint8Array(64);
    const isFirst = who === 'alice' && sides.bob === undefined;
    return {
      secret,
      kemSeed,
      encapsulation: kemRatchet && !isFirst ? turns[who].next() : new Uint8Array(32),
    };
  };
  const publicOwner = {
    ...{
      did: DIDS.bob,
      identity: x25519.getPublicKey(owner.identity),
      prekey: x25519.getPublicKey(owner.prekey),
    },
    kem: ml_kem768.keygen(owner.kemSeed).publicKey,
    ...(owner.oneTime ? { oneTime: x25519.getPublicKey(owner.oneTime) } : {}),
  };
  const caller = {
    did: DIDS.alice,
    identity: alice,
    ephemeral,
    encapsulation,
    kemRatchet,
    signature,
    numbers,
    owner: publicOwner,
  };
  const sides: { alice: Reference; bob?: Reference } = {
    alice: Reference.call(caller, () => fresh('alice')()),
  };
  return TURNS.map((who, at) => {
    const wire = sides[who]!.seal(bytes(`message ${at}`));
    sides.bob ??= Reference.answer(owner, DIDS.alice, wire, () => fresh('bob')());
    expect(text(sides[who === 'alice' ? 'bob' : 'alice']!.open(wire))).toBe(`message ${at}`);
    return toText(wire);
  });
}

describe('vectors', () => {
  const frozen: Record<string, string[]> = existsSync(FILE)
    ? JSON.parse(readFileSync(FILE, 'utf8')).cases
    : {};

  test.each(CASES)(
    '$name: the package and the second implementation send the same bytes, as they were frozen',
    async (one) => {
      const sent = await playPackage(one);
      if (process.env['WRITE_VECTORS'] === 'true') {
        const about =
          'Messages of Signal-style channels as text in base64url. vectors.test.ts says how the secrets are made.';
        frozen[one.name] = sent;
        writeFileSync(FILE, `${JSON.stringify({ about, cases: frozen }, null, 2)}\n`);
      }
      expect(playReference(one)).toEqual(sent);
      expect(frozen[one.name]).toEqual(sent);
    },
  );

  test('of prekeys: both agree on what is signed, for every place of batches of 1 to 9', async () => {
    const seed = new Secrets('signer').next();
    const publicKey = ed25519.getPublicKey(seed);
    const identity = keyPairOf(new Secrets('identity').next()).public;
    const application = Buffer.from('xlink/1 application');
    const context = Buffer.from('mesh/1 signal');
    const length = (part: Uint8Array) => Buffer.from([0, 0, 0, part.length]);
    const sign = async (content: Uint8Array) => {
      const hash = createHash('sha256').update(content).digest();
      const parts = [application, context, hash].flatMap((part) => [length(part), part]);
      return ed25519.sign(Buffer.concat(parts), seed);
    };
    const statement = prekeyStatement('x25519', { id: 1, notAfter: 2 }, identity, identity);
    expect(isSigned(publicKey, statement, await sign(statement))).toBe(true);
    for (let size = 1; size <= 9; size++) {
      const secrets = new Secrets(`batch ${size}`);
      const keys = Array.from({ length: size }, (_, id) => ({
        ...{
          id,
          x25519: keyPairOf(secrets.next()).public,
          kem: ml_kem768.keygen(secrets.next(64)).publicKey,
        },
      }));
      for (const [at, signed] of (await signBatch(keys, identity, 1_900_000_000_000, sign)).entries()) {
        const { content, signature } = batchOf(identity, keys[at]!, toBytes(signed.kem!.signature));
        expect(isSigned(publicKey, content, signature)).toBe(true);
      }
    }
  });
});
