import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { RandomBytes } from '../../types/protocol.js';
import { nobleMlDsa65, nobleMlKem768 } from '../noble-pq.js';
import type { CryptoProvider } from '../provider.js';
import { Choice } from './choice.js';
import { noble } from './noble.js';
import type { Primitives } from './primitives.js';
import { webRandomBytes } from './random.js';
import { trials } from './trials.js';
import { webCrypto } from './web-crypto.js';

export interface PortableProviderOptions {
  /** Everything random in the output comes from it. Default: `crypto.getRandomValues`. */
  readonly randomBytes?: RandomBytes;
  /** WebCrypto to try; `false` for noble alone. Default: that of the runtime. */
  readonly subtle?: SubtleCrypto | false;
}

let shared: CryptoProvider | undefined;

/** The provider for browsers and edge runtimes: WebCrypto where it works, noble for the rest. */
export function defaultProvider(): CryptoProvider {
  shared ??= createPortableProvider();
  return shared;
}

export function createPortableProvider(options: PortableProviderOptions = {}): CryptoProvider {
  const randomBytes = options.randomBytes ?? webRandomBytes;
  const subtle = options.subtle ?? globalThis.crypto?.subtle;
  const web = subtle ? webCrypto(subtle) : undefined;
  const choice = <K extends keyof Primitives>(name: K) =>
    new Choice<Primitives[K]>(web?.[name], noble[name], trials[name]);
  const hash = choice('hash');
  const aes256gcm = choice('aes256gcm');
  const ed25519 = choice('ed25519');
  const x25519 = choice('x25519');
  return {
    name: 'portable',
    get implementations() {
      return {
        ed25519: ed25519.name,
        x25519: x25519.name,
        aes256gcm: aes256gcm.name,
        hash: hash.name,
        mlKem768: 'noble',
        mlDsa65: 'noble',
      };
    },
    randomBytes,
    sha256: (data) => hash.use(({ sha256 }) => sha256(data)),
    sha256Stream: () => sha256.create(), // WebCrypto has none
    hkdf: (secret, info, length) => hash.use(({ hkdf }) => hkdf(secret, info, length)),
    hmac(key) {
      const own = Uint8Array.from(key); // callers erase theirs
      return { tag: (data) => hmac(sha256, own, data) }; // WebCrypto takes longer for so few bytes
    },
    aes256gcm: {
      seal(key, iv, aad, plaintext) {
        checkLength('aes256gcm key', key, 32);
        checkLength('aes256gcm iv', iv, 12);
        return aes256gcm.use(({ seal }) => seal(key, iv, aad, plaintext));
      },
      open(key, iv, aad, sealed) {
        checkLength('aes256gcm key', key, 32);
        checkLength('aes256gcm iv', iv, 12);
        return aes256gcm.use(({ open }) => open(key, iv, aad, sealed));
      },
    },
    ed25519: {
      signer(seed) {
        checkLength('ed25519 seed', seed, 32);
        return ed25519.use(({ signer }) => signer(seed));
      },
      verifier(publicKey) {
        checkLength('ed25519 public key', publicKey, 32);
        return ed25519.use(({ verifier }) => verifier(publicKey));
      },
    },
    x25519: {
      keyPair(secret = randomBytes(32)) {
        checkLength('x25519 secret', secret, 32);
        return x25519.use(({ keyPair }) => keyPair(secret));
      },
      publicKey(bytes) {
        checkLength('x25519 public key', bytes, 32);
        return x25519.use(({ publicKey }) => publicKey(bytes));
      },
    },
    mlKem768: nobleMlKem768(randomBytes),
    mlDsa65: nobleMlDsa65(randomBytes),
  };
}

/** WebCrypto takes AES keys of other lengths, and some runtimes ignore what follows a key. */
function checkLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`${what} takes ${length} bytes`);
}
