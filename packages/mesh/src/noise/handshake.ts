import { isMeshError, MeshError } from '../errors/mesh-error.js';
import { concat } from '../util/bytes.js';
import { invalidOption } from '../util/options.js';
import { type CipherState, MAX_MESSAGE, TAG_LENGTH } from './cipher.js';
import { DH_LENGTH, type NoiseKeyPair, newKeyPair } from './dh.js';
import { encapsulate, KEM, type KemKeyPair, kemKeyPair } from './kem.js';
import type { Token } from './patterns.js';
import type { Suite } from './suite.js';
import { SymmetricState } from './symmetric.js';

/** Options of {@link Handshake}. Keys that the pattern does not need are left out. */
export interface HandshakeOptions {
  /** From `suiteOf()`. */
  readonly suite: Suite;
  /** Whether this side writes the first message. */
  readonly isInitiator: boolean;
  /** What both sides must agree on without sending it. Default empty. */
  readonly prologue?: Uint8Array;
  /** This side's static key. */
  readonly staticKey?: NoiseKeyPair;
  /** The other side's static key, 32 bytes, where the pattern says that it is known before. */
  readonly remoteStatic?: Uint8Array;
  /** Pre-shared keys of 32 bytes, in the order of the pattern. */
  readonly psks?: readonly Uint8Array[];
  /** Instead of new keys; only for test vectors, because a key that is used twice breaks the handshake. */
  readonly fixed?: {
    readonly ephemeral?: NoiseKeyPair;
    readonly kem?: KemKeyPair;
    readonly coins?: Uint8Array;
  };
}

/** What a finished handshake leaves. */
export interface HandshakeResult {
  /** Encrypts what this side sends. */
  readonly sending: CipherState;
  /** Decrypts what the other side sends. */
  readonly receiving: CipherState;
  /** The handshake hash: 32 or 64 bytes that name this channel, the same on both sides (Noise 11.2). */
  readonly hash: Uint8Array;
}

/** One handshake (Noise 5.3). It knows nothing of identities and transports. After an error it is of no more use. */
export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #symmetric: SymmetricState;
  readonly #usesPsk: boolean;
  #message = 0;
  #psk = 0;
  #ephemeral: NoiseKeyPair | undefined;
  #remoteEphemeral: Uint8Array | undefined;
  #remoteStatic: Uint8Array | undefined;
  #kem: KemKeyPair | undefined;
  #remoteKem: Uint8Array | undefined;
  #isBroken = false;

  /** Throws `INVALID_OPTION` where a key is missing. */
  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#remoteStatic = options.remoteStatic;
    const { suite, isInitiator, prologue = new Uint8Array(), staticKey, remoteStatic, psks = [] } = options;
    const { initiatorKnown, responderKnown, messages } = suite.pattern;
    const wanted = messages.flat().filter((token) => token === 'psk').length;
    this.#usesPsk = wanted > 0;
    if (psks.length !== wanted || psks.some(({ length }) => length !== 32))
      throw invalidOption('psks', `Handshake: the pattern takes ${wanted} pre-shared keys of 32 bytes.`);
    this.#symmetric = new SymmetricState(suite);
    this.#symmetric.mixHash(prologue);
    for (const [isKnown, isOwn] of [
      [initiatorKnown, isInitiator],
      [responderKnown, !isInitiator],
    ]) {
      if (!isKnown) continue;
      const key = isOwn ? staticKey?.publicKey : remoteStatic;
      const name = isOwn ? 'staticKey' : 'remoteStatic';
      if (key?.length !== DH_LENGTH) throw invalidOption(name, `Handshake: the pattern takes ${name}.`);
      this.#symmetric.mixHash(key);
    }
  }

  /** Whether all messages were written and read. */
  get isComplete(): boolean {
    return this.#message === this.#options.suite.pattern.messages.length;
  }

  /** Whether the next message is this side's. */
  get isOurTurn(): boolean {
    return !this.isComplete && (this.#message % 2 === 0) === this.#options.isInitiator;
  }

  /** The other side's static key, once it is known. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic;
  }

  /** The handshake hash so far. */
  get hash(): Uint8Array {
    return this.#symmetric.hash;
  }

  /** Writes a whole message. */
  write(payload: Uint8Array = new Uint8Array()): Uint8Array {
    return concat(this.writeTokens(), this.writePayload(payload));
  }

  /** The keys of the next message. What is signed about them goes into {@link Handshake.writePayload}, which has to follow. */
  writeTokens(): Uint8Array {
    return this.#guarded(true, () => concat(...this.#tokens.map((token) => this.#write(token))));
  }

  /** The rest of the message. Throws `NOISE_LIMIT:SIZE`. */
  writePayload(payload: Uint8Array): Uint8Array {
    if (payload.length > MAX_MESSAGE - 4096) throw new MeshError('NOISE_LIMIT:SIZE', { field: 'payload' });
    const out = this.#symmetric.encryptAndHash(payload);
    this.#message++;
    return out;
  }

  /** Reads a message: its payload, and the hash that its sender could sign. Throws `NOISE_HANDSHAKE_FAILED…`. */
  read(message: Uint8Array): { readonly payload: Uint8Array; readonly hash: Uint8Array } {
    return this.#guarded(false, () => {
      if (message.length > MAX_MESSAGE) throw new MeshError('NOISE_LIMIT:SIZE', { field: 'message' });
      let at = 0;
      const take = (length: number) => {
        if (message.length - at < length) throw new MeshError('NOISE_HANDSHAKE_FAILED:MALFORMED');
        at += length;
        return message.subarray(at - length, at);
      };
      for (const token of this.#tokens) this.#read(token, take);
      const { hash } = this.#symmetric;
      const payload = this.#symmetric.decryptAndHash(message.subarray(at));
      this.#message++;
      return { payload, hash };
    });
  }

  /** The keys of the channel. */
  split(): HandshakeResult {
    if (!this.isComplete || this.#isBroken) throw new MeshError('NOISE_HANDSHAKE_FAILED');
    const [first, second] = this.#symmetric.split();
    const [sending, receiving] = this.#options.isInitiator ? [first, second] : [second, first];
    return { sending, receiving, hash: this.#symmetric.hash };
  }

  get #tokens(): readonly Token[] {
    return this.#options.suite.pattern.messages[this.#message]!;
  }

  #guarded<T>(isWriting: boolean, work: () => T): T {
    if (this.#isBroken || this.isComplete || this.isOurTurn !== isWriting)
      throw new MeshError('NOISE_HANDSHAKE_FAILED');
    try {
      return work();
    } catch (cause) {
      this.#isBroken = true;
      if (isMeshError(cause) && cause.code !== 'NOISE_DECRYPT_FAILED') throw cause;
      throw new MeshError('NOISE_HANDSHAKE_FAILED', { cause });
    }
  }

  #write(token: Token): Uint8Array {
    const symmetric = this.#symmetric;
    const { fixed, staticKey } = this.#options;
    if (token === 'e') {
      this.#ephemeral = fixed?.ephemeral ?? newKeyPair();
      this.#hashEphemeral(this.#ephemeral.publicKey);
      return this.#ephemeral.publicKey;
    }
    if (token === 's') return symmetric.encryptAndHash(this.#needed(staticKey).publicKey);
    if (token === 'e1') {
      this.#kem = fixed?.kem ?? kemKeyPair();
      return symmetric.encryptAndHash(this.#kem.publicKey);
    }
    if (token === 'ekem1') {
      const { ciphertext, shared } = encapsulate(this.#needed(this.#remoteKem), fixed?.coins);
      const out = symmetric.encryptAndHash(ciphertext);
      symmetric.mixKey(shared);
      return out;
    }
    this.#mix(token);
    return new Uint8Array();
  }

  #read(token: Token, take: (length: number) => Uint8Array): void {
    const symmetric = this.#symmetric;
    const sealed = (length: number) =>
      symmetric.decryptAndHash(take(length + (symmetric.hasKey ? TAG_LENGTH : 0)));
    if (token === 'e') {
      this.#remoteEphemeral = Uint8Array.from(take(DH_LENGTH));
      this.#hashEphemeral(this.#remoteEphemeral);
    } else if (token === 's') this.#remoteStatic = Uint8Array.from(sealed(DH_LENGTH));
    else if (token === 'e1') this.#remoteKem = Uint8Array.from(sealed(KEM.publicKey));
    else if (token === 'ekem1') symmetric.mixKey(this.#needed(this.#kem).decapsulate(sealed(KEM.ciphertext)));
    else this.#mix(token);
  }

  #hashEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey);
    if (this.#usesPsk) this.#symmetric.mixKey(publicKey);
  }

  /** In `es` the first letter is the initiator's key, and the second the responder's. */
  #mix(token: Token): void {
    if (token === 'psk') {
      this.#symmetric.mixKeyAndHash(this.#options.psks![this.#psk++]!);
      return;
    }
    const [mine, theirs] = this.#options.isInitiator ? [token[0], token[1]] : [token[1], token[0]];
    const own = this.#needed(mine === 'e' ? this.#ephemeral : this.#options.staticKey);
    this.#symmetric.mixKey(
      own.agree(this.#needed(theirs === 'e' ? this.#remoteEphemeral : this.#remoteStatic)),
    );
  }

  #needed<T>(key: T | undefined): T {
    if (key === undefined) throw new MeshError('NOISE_HANDSHAKE_FAILED', { field: 'staticKey' });
    return key;
  }
}
