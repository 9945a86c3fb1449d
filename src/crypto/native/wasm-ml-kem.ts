import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { RandomBytes } from '../../types/protocol.js';
import { type Awaitable, isPromiseLike } from '../../util/awaitable.js';
import { equalBytes } from '../bytes.js';
import { nobleMlKem768 } from '../noble-pq.js';
import type { CryptoProvider } from '../provider.js';

type MlKem768 = CryptoProvider['mlKem768'];

/** What is used of `@oqs/liboqs-js`: ML-KEM-768 of Open Quantum Safe, in WebAssembly. It takes no subclass of `Uint8Array`. */
interface Liboqs {
  encapsulate(publicKey: Uint8Array): { ciphertext: Uint8Array; sharedSecret: Uint8Array };
  decapsulate(ciphertext: Uint8Array, secretKey: Uint8Array): Uint8Array;
}

/**
 * ML-KEM-768 for a runtime without its own: of `@oqs/liboqs-js` where that is installed and agrees with noble, else of noble, which
 * takes ten times as long. Found by trying it, once, at the first use.
 */
export class OptionalMlKem768 implements MlKem768 {
  readonly #noble: MlKem768;
  readonly #load: () => Promise<Liboqs>;
  #chosen: Awaitable<MlKem768> | undefined;
  #name = 'noble';

  constructor(randomBytes: RandomBytes, load: () => Promise<Liboqs> = loadLiboqs) {
    this.#noble = nobleMlKem768(randomBytes);
    this.#load = load;
  }

  /** Which one it is. */
  get implementation(): string {
    return this.#name;
  }

  decapsulator: MlKem768['decapsulator'] = (seed) =>
    this.#with(seed, (chosen, own) => chosen.decapsulator(own));

  encapsulator: MlKem768['encapsulator'] = (publicKey) =>
    this.#with(publicKey, (chosen, own) => chosen.encapsulator(own));

  /** At once where the choice is made, else with a copy of the key: the caller may erase its own. */
  #with<T>(key: Uint8Array, use: (chosen: MlKem768, key: Uint8Array) => Awaitable<T>): Awaitable<T> {
    const chosen = this.#choose();
    if (!isPromiseLike(chosen)) return use(chosen, key);
    const copy = Uint8Array.from(key);
    return chosen.then((known) => use(known, copy)).finally(() => copy.fill(0));
  }

  #choose(): Awaitable<MlKem768> {
    return (this.#chosen ??= this.#tried().then((chosen) => {
      this.#chosen = chosen;
      return chosen;
    }));
  }

  async #tried(): Promise<MlKem768> {
    try {
      const liboqs = await this.#load();
      if (!agrees(liboqs)) return this.#noble;
      this.#name = '@oqs/liboqs-js';
      return byLiboqs(liboqs);
    } catch {
      return this.#noble; // not installed, or not for this runtime
    }
  }
}

/** An ES module without a form for `require`: `import` only, so that a CommonJS build stays with noble. */
const PACKAGE: string = '@oqs/liboqs-js/kem';

async function loadLiboqs(): Promise<Liboqs> {
  const { createMLKEM768 } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ PACKAGE)) as {
    createMLKEM768(): Promise<Liboqs>;
  };
  return createMLKEM768();
}

/** Whether both sides of it give what noble gives, for a ciphertext that was changed, too (FIPS 203, implicit rejection). */
function agrees(liboqs: Liboqs): boolean {
  const { publicKey, secretKey } = ml_kem768.keygen(new Uint8Array(64).fill(1));
  const { ciphertext, sharedSecret } = liboqs.encapsulate(publicKey);
  const changed = Uint8Array.from(ciphertext, (byte, at) => (at === 0 ? byte ^ 1 : byte));
  const noble = (of: Uint8Array) => ml_kem768.decapsulate(of, secretKey);
  return (
    equalBytes(noble(ciphertext), sharedSecret) &&
    equalBytes(liboqs.decapsulate(ciphertext, secretKey), sharedSecret) &&
    equalBytes(liboqs.decapsulate(changed, secretKey), noble(changed))
  );
}

const byLiboqs = (liboqs: Liboqs): MlKem768 => ({
  decapsulator(seed) {
    const { publicKey, secretKey } = ml_kem768.keygen(seed);
    return { publicKey, decapsulate: (ciphertext) => liboqs.decapsulate(plain(ciphertext), secretKey) };
  },
  encapsulator(publicKey) {
    if (publicKey.length !== ml_kem768.lengths.publicKey || !isReduced(publicKey)) return undefined;
    const key = Uint8Array.from(publicKey);
    return {
      encapsulate() {
        const { ciphertext, sharedSecret } = liboqs.encapsulate(key);
        return { ciphertext, secret: sharedSecret };
      },
    };
  },
});

/** The bytes of a `Buffer`, for one, as a `Uint8Array`; not copied. */
const plain = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

const Q = 3329;

/** The modulus check of FIPS 203 section 7.2: each of the 768 coefficients, of 12 bits, is below q. */
function isReduced(publicKey: Uint8Array): boolean {
  for (let at = 0; at < 1152; at += 3) {
    const [low, middle, high] = [publicKey[at]!, publicKey[at + 1]!, publicKey[at + 2]!];
    if ((low | ((middle & 15) << 8)) >= Q || ((middle >> 4) | (high << 4)) >= Q) return false;
  }
  return true;
}
