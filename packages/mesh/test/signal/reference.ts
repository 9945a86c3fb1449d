// A second implementation of the handshake and the ratchet, written from docs/signal.md on noble alone: it shares no code with the
// package. Messages have to come in order; nothing is kept.
import { gcm } from '@noble/ciphers/aes.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

type Bytes = Uint8Array;
const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const number = (value: number, size: number): Bytes => {
  const out = new Uint8Array(size);
  for (let at = size - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 256)) out[at] = rest % 256;
  return out;
};
const join = (...parts: Bytes[]): Bytes => Uint8Array.from(parts.flatMap((part) => [...part]));
const lp = (...parts: (Bytes | string)[]): Bytes =>
  join(
    ...parts.map((part) => {
      const raw = typeof part === 'string' ? utf8(part) : part;
      return join(number(raw.length, 4), raw);
    }),
  );
const derive = (salt: Bytes, secret: Bytes, info: string, length: number): Bytes =>
  expand(sha256, extract(sha256, secret, salt), utf8(info), length);
const value = (raw: Bytes): number => raw.reduce((sum, byte) => sum * 256 + byte, 0);
const ZERO = new Uint8Array(32);

/** The private halves of an owner of prekeys. */
export interface Owner {
  readonly did: string;
  readonly identity: Bytes;
  readonly prekey: Bytes;
  readonly oneTime?: Bytes;
  readonly kemSeed: Bytes;
}

/** What a caller begins with; keys of the owner are public ones. */
export interface Caller {
  readonly did: string;
  readonly identity: Bytes;
  readonly ephemeral: Bytes;
  readonly encapsulation: Bytes;
  readonly kemRatchet: boolean;
  readonly owner: { did: string; identity: Bytes; prekey: Bytes; oneTime?: Bytes; kem: Bytes };
  /** What goes before the first message: signature, and numbers of the keys. */
  readonly signature: Bytes;
  readonly numbers: { readonly prekey: number; readonly kem: number };
}

interface Chain {
  key: Bytes;
  next: number;
}

interface OwnKey {
  secret: Bytes;
  kemSeed?: Bytes;
}

export class Reference {
  readonly session: Bytes;
  readonly #associated: Bytes;
  readonly #kem: boolean;
  #root: Bytes;
  #own: OwnKey;
  #peer: { key: Bytes; kem?: Bytes } | undefined;
  #sending: (Chain & { ciphertext?: Bytes }) | undefined;
  #receiving: Chain | undefined;
  #previous = 0;
  #preamble: Bytes | undefined;
  /** Secrets for the next turn, so that it can be repeated. */
  fresh: () => { secret: Bytes; kemSeed: Bytes; encapsulation: Bytes };

  private constructor(
    handshake: { secret: Bytes; associated: Bytes; kem: boolean; session: Bytes },
    own: OwnKey,
    peer: { key: Bytes } | undefined,
    fresh: Reference['fresh'],
  ) {
    this.session = handshake.session;
    this.#associated = handshake.associated;
    this.#kem = handshake.kem;
    this.#root = handshake.secret;
    this.#own = own;
    this.#peer = peer;
    this.fresh = fresh;
  }

  static call(caller: Caller, fresh: Reference['fresh']): Reference {
    const { owner, ephemeral } = caller;
    const made = ml_kem768.encapsulate(owner.kem, caller.encapsulation);
    const dh = [
      x25519.getSharedSecret(caller.identity, owner.prekey),
      x25519.getSharedSecret(ephemeral, owner.identity),
      x25519.getSharedSecret(ephemeral, owner.prekey),
      ...(owner.oneTime ? [x25519.getSharedSecret(ephemeral, owner.oneTime)] : []),
    ];
    const identity = x25519.getPublicKey(caller.identity);
    const shared = handshake({
      ...{ dh, kemSecret: made.sharedSecret, kemRatchet: caller.kemRatchet, ciphertext: made.cipherText },
      ...{ caller: { did: caller.did, identity }, owner, ephemeral: x25519.getPublicKey(ephemeral) },
    });
    const session = new Reference(shared, { secret: ZERO }, { key: owner.prekey }, fresh);
    const flags = (owner.oneTime ? 2 : 1) + (caller.kemRatchet ? 4 : 0);
    session.#preamble = join(
      ...[number(flags, 1), number(caller.numbers.prekey, 4), number(caller.numbers.kem, 4)],
      ...[identity, caller.signature, x25519.getPublicKey(ephemeral), made.cipherText],
    );
    return session;
  }

  /** From the first message. */
  static answer(owner: Owner, from: string, message: Bytes, fresh: Reference['fresh']): Reference {
    const preamble = message.slice(18, 18 + 1225);
    const kemRatchet = (preamble[0]! & 4) !== 0;
    const [identity, ephemeral, ciphertext] = [
      preamble.slice(9, 41),
      preamble.slice(105, 137),
      preamble.slice(137),
    ];
    const { publicKey, secretKey } = ml_kem768.keygen(owner.kemSeed);
    const dh = [
      x25519.getSharedSecret(owner.prekey, identity),
      x25519.getSharedSecret(owner.identity, ephemeral),
      x25519.getSharedSecret(owner.prekey, ephemeral),
      ...(owner.oneTime ? [x25519.getSharedSecret(owner.oneTime, ephemeral)] : []),
    ];
    const shared = handshake({
      ...{ dh, kemSecret: ml_kem768.decapsulate(ciphertext, secretKey), kemRatchet, ciphertext, ephemeral },
      caller: { did: from, identity },
      owner: {
        ...{ did: owner.did, identity: x25519.getPublicKey(owner.identity), kem: publicKey },
        prekey: x25519.getPublicKey(owner.prekey),
        ...(owner.oneTime ? { oneTime: x25519.getPublicKey(owner.oneTime) } : {}),
      },
    });
    return new Reference(shared, { secret: owner.prekey }, undefined, fresh);
  }

  seal(plaintext: Bytes): Bytes {
    if (!this.#sending) this.#turn();
    const chain = this.#sending!;
    const header = this.#header({
      key: x25519.getPublicKey(this.#own.secret),
      ...{ previous: this.#previous, number: chain.next },
      ...(this.#own.kemSeed ? { kem: ml_kem768.keygen(this.#own.kemSeed).publicKey } : {}),
      ...(chain.ciphertext ? { ciphertext: chain.ciphertext } : {}),
    });
    const sealed = this.#cipher(chain, header).encrypt(plaintext);
    const front = [Uint8Array.of(1, this.#preamble ? 1 : 0), this.session];
    return join(
      ...front,
      ...(this.#preamble ? [this.#preamble] : []),
      number(header.length, 2),
      header,
      sealed,
    );
  }

  open(message: Bytes): Bytes {
    const at = message[1] === 1 ? 18 + 1225 : 18;
    const end = at + 2 + value(message.slice(at, at + 2));
    const header = message.slice(at + 2, end);
    const key = header.slice(2, 34);
    if (!this.#receiving || !this.#peer || !equal(this.#peer.key, key)) this.#follow(header, key);
    if (value(header.slice(38, 42)) !== this.#receiving!.next) throw new Error('out of order');
    this.#preamble = undefined;
    return this.#cipher(this.#receiving!, header).decrypt(message.slice(end));
  }

  #turn(): void {
    const { secret, kemSeed, encapsulation } = this.fresh();
    const toPeer = this.#peer!.kem && ml_kem768.encapsulate(this.#peer!.kem, encapsulation);
    this.#own = { secret, ...(this.#kem ? { kemSeed } : {}) };
    const key = this.#step(x25519.getSharedSecret(secret, this.#peer!.key), toPeer?.sharedSecret);
    this.#sending = { key, next: 0, ...(toPeer ? { ciphertext: toPeer.cipherText } : {}) };
  }

  #follow(header: Bytes, key: Bytes): void {
    const ciphertext = header.slice(42 + 1184);
    const kem = this.#kem ? header.slice(42, 42 + 1184) : undefined;
    const secret =
      ciphertext.length > 0
        ? ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(this.#own.kemSeed!).secretKey)
        : undefined;
    const chain = this.#step(x25519.getSharedSecret(this.#own.secret, key), secret);
    this.#peer = { key, ...(kem ? { kem } : {}) };
    this.#receiving = { key: chain, next: 0 };
    this.#previous = this.#sending?.next ?? this.#previous;
    this.#sending = undefined;
  }

  #step(dh: Bytes, kemSecret: Bytes | undefined): Bytes {
    const out = kemSecret
      ? derive(this.#root, join(dh, kemSecret), 'xlink/1 ratchet root X25519 MLKEM768', 64)
      : derive(this.#root, dh, 'xlink/1 ratchet root', 64);
    this.#root = out.slice(0, 32);
    return out.slice(32);
  }

  #header(of: { key: Bytes; previous: number; number: number; kem?: Bytes; ciphertext?: Bytes }): Bytes {
    const flags = (of.kem ? 1 : 0) + (of.ciphertext ? 2 : 0);
    const rest = [...(of.kem ? [of.kem] : []), ...(of.ciphertext ? [of.ciphertext] : [])];
    return join(Uint8Array.of(1, flags), of.key, number(of.previous, 4), number(of.number, 4), ...rest);
  }

  #cipher(chain: Chain, header: Bytes) {
    const message = hmac(sha256, chain.key, Uint8Array.of(1));
    chain.key = hmac(sha256, chain.key, Uint8Array.of(2));
    chain.next++;
    const out = derive(ZERO, message, 'xlink/1 ratchet message', 44);
    return gcm(out.slice(0, 32), out.slice(32), join(this.#associated, lp(header)));
  }
}

function handshake(of: {
  dh: Bytes[];
  kemSecret: Bytes;
  kemRatchet: boolean;
  ciphertext: Bytes;
  ephemeral: Bytes;
  caller: { did: string; identity: Bytes };
  owner: { did: string; identity: Bytes; prekey: Bytes; oneTime?: Bytes; kem: Bytes };
}) {
  const { caller, owner } = of;
  const info = `xlink/1 pqxdh X25519 MLKEM768 SHA-256${of.kemRatchet ? ' kem ratchet' : ''}`;
  const secret = derive(ZERO, join(new Uint8Array(32).fill(255), ...of.dh, of.kemSecret), info, 32);
  const associated = lp(caller.did, owner.did, caller.identity, owner.identity, sha256(owner.kem));
  const named = [associated, of.ephemeral, of.ciphertext, owner.prekey, owner.oneTime ?? new Uint8Array(0)];
  const session = sha256(lp('xlink/1 signal session', ...named)).slice(0, 16);
  return { secret, associated, session, kem: of.kemRatchet };
}

const equal = (a: Bytes, b: Bytes): boolean => a.length === b.length && a.every((byte, at) => byte === b[at]);

/** Whether the DID whose public key this is has signed this for Signal channels, as `agent.sign` does. */
export const isSigned = (publicKey: Bytes, content: Bytes, signature: Bytes): boolean =>
  ed25519.verify(signature, lp('xlink/1 application', 'mesh/1 signal', sha256(content)), publicKey);

/** What is signed about a one-time key, from the proof that comes with it, and the signature. */
export function batchOf(identity: Bytes, key: { id: number; x25519: Bytes; kem: Bytes }, proof: Bytes) {
  const [size, index] = [value(proof.slice(8, 10)), value(proof.slice(10, 12))];
  const path = Array.from({ length: (proof.length - 76) / 32 }, (_, at) =>
    proof.slice(12 + at * 32, 44 + at * 32),
  );
  let node = sha256(
    join(Uint8Array.of(0), lp('xlink/1 prekey leaf', number(key.id, 4), key.x25519, key.kem)),
  );
  let [place, last] = [index, size - 1]; // RFC 9162 section 2.1.3.2
  for (const sibling of path) {
    if (place % 2 === 1 || place === last) {
      node = sha256(join(Uint8Array.of(1), sibling, node));
      while (place % 2 === 0 && place !== 0) [place, last] = [place >> 1, last >> 1];
    } else node = sha256(join(Uint8Array.of(1), node, sibling));
    [place, last] = [place >> 1, last >> 1];
  }
  const content = lp('xlink/1 prekey batch', proof.slice(0, 8), number(size, 4), identity, node);
  return { content, signature: proof.slice(-64) };
}
