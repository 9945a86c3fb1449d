import type { CryptoProvider } from '../crypto/provider.js';
import { decodeDidKey, encodeDidKey } from '../identity/did.js';
import type { Did } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js';

/** Where a signer publishes its keys, on its own origin (draft-meunier-webbotauth-httpsig-protocol). */
export const KEY_DIRECTORY_PATH = '/.well-known/http-message-signatures-directory';
/** The media type of what is there: a JSON Web Key Set. */
export const KEY_DIRECTORY_TYPE = 'application/http-message-signatures-directory+json';

/** More keys than that make a directory invalid. */
const MAX_KEYS = 64;

/** An Ed25519 public key of a directory (RFC 7517, RFC 8037). */
export interface DirectoryKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** The thumbprint of the key, as `keyid` has it. */
  readonly kid: string;
  /** 32 bytes, as base64url. */
  readonly x: string;
  readonly use: 'sig';
}

/** The keys of a directory, by thumbprint. `notBefore` and `notAfter`: ms since 1970. */
export type KnownKeys = ReadonlyMap<
  string,
  { readonly did: Did; readonly notBefore: number; readonly notAfter: number }
>;

/** SHA-256 of the key's required members in their one order (RFC 7638, RFC 8037 appendix A.3), as base64url. */
const thumbprint = async (crypto: CryptoProvider, x: string): Promise<string> =>
  encodeBase64url(await crypto.sha256(encodeUtf8(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)));

/** The key of a did:key, as directories have it. */
export async function directoryKey(crypto: CryptoProvider, did: Did): Promise<DirectoryKey> {
  const x = encodeBase64url(decodeDidKey(did));
  return { kty: 'OKP', crv: 'Ed25519', kid: await thumbprint(crypto, x), x, use: 'sig' };
}

/**
 * The Ed25519 keys of a directory; others are passed over, and so is one whose `kid` is not its thumbprint. `undefined` if it is
 * no directory.
 */
export async function readKeyDirectory(
  crypto: CryptoProvider,
  bytes: Uint8Array,
): Promise<KnownKeys | undefined> {
  const keys = keysIn(bytes);
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) return undefined;
  const known = new Map<string, { did: Did; notBefore: number; notAfter: number }>();
  for (const key of keys) {
    const { kty, crv, x, kid, use = 'sig', nbf = 0, exp = Infinity } = Object(key) as Record<string, unknown>;
    if (kty !== 'OKP' || crv !== 'Ed25519' || use !== 'sig' || typeof x !== 'string') continue;
    if (typeof nbf !== 'number' || typeof exp !== 'number') continue;
    const publicKey = decodeBase64url(x);
    if (publicKey?.length !== 32) continue;
    const print = await thumbprint(crypto, x);
    if (kid === undefined || kid === print)
      known.set(print, { did: encodeDidKey(publicKey), notBefore: nbf * 1000, notAfter: exp * 1000 });
  }
  return known;
}

function keysIn(bytes: Uint8Array): unknown {
  try {
    return (Object(JSON.parse(decodeUtf8(bytes))) as { keys?: unknown }).keys;
  } catch {
    return undefined;
  }
}
