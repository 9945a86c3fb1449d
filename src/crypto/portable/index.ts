import type { RandomBytes } from '../../types.js';
import { nobleMlDsa65, nobleMlKem768 } from '../noble-pq.js';
import type { CryptoProvider } from '../provider.js';
import { Choice } from './choice.js';
import { noble } from './noble.js';
import type { Primitives } from './primitives.js';
import { webRandomBytes } from './random.js';
import { trials } from './trials.js';
import { webCrypto } from './web-crypto.js';

export interface PortableProviderOptions {
  /** Everything random comes from it. Default: `crypto.getRandomValues`. */
  readonly randomBytes?: RandomBytes;
  /** WebCrypto to try; `false` for noble alone. Default: that of the runtime. */
  readonly subtle?: SubtleCrypto | false;
}

let shared: CryptoProvider | undefined;

/** The provider for browsers and edge runtimes: WebCrypto where it works, noble for the rest. */
export function defaultProvider(): CryptoProvider {
  return (shared ??= createPortableProvider());
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
    hkdf: (secret, info, length) => hash.use(({ hkdf }) => hkdf(secret, info, length)),
    aes256gcm: {
      seal(key, iv, aad, plaintext) {
        checkLengths(key, iv);
        return aes256gcm.use(({ seal }) => seal(key, iv, aad, plaintext));
      },
      open(key, iv, aad, sealed) {
        checkLengths(key, iv);
        return aes256gcm.use(({ open }) => open(key, iv, aad, sealed));
      },
    },
    ed25519: {
      signer: (seed) => ed25519.use(({ signer }) => signer(seed)),
      verifier: (publicKey) => ed25519.use(({ verifier }) => verifier(publicKey)),
    },
    x25519: {
      keyPair(secret = randomBytes(32)) {
        return x25519.use(({ keyPair }) => keyPair(secret));
      },
      publicKey(bytes) {
        if (bytes.length !== 32) throw new RangeError('An X25519 public key has 32 bytes');
        return x25519.use(({ publicKey }) => publicKey(bytes));
      },
    },
    mlKem768: nobleMlKem768(randomBytes),
    mlDsa65: nobleMlDsa65(randomBytes),
  };
}

/** Both libraries would take the key of a weaker AES. */
function checkLengths(key: Uint8Array, iv: Uint8Array): void {
  if (key.length !== 32 || iv.length !== 12)
    throw new RangeError('AES-256-GCM takes a 32-byte key and a 12-byte nonce');
}
