import type { Identity } from '../identity/identity.js';
import { byteSequence, contentDigest } from '../signature/content-digest.js';
import { componentLine, signatureBase } from '../signature/signature-base.js';
import { encodeUtf8 } from '../util/utf8.js';
import { directoryKey, KEY_DIRECTORY_TYPE } from './key-directory.js';

/** How long the signature of a directory is good, in s: a day. */
const LIFETIME_S = 24 * 3600;
/** How long others may keep it, in s. */
const CACHE_S = 3600;

/** An answer to `GET /.well-known/http-message-signatures-directory`, to be sent as it is. */
export interface SignedKeyDirectory {
  /** `Content-Type`, `Cache-Control`, `Content-Digest`, `Signature-Input` and `Signature`. */
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON Web Key Set with the Ed25519 key of the identity. */
  readonly body: string;
}

/**
 * Publishes the key of an identity for those that recognize signers by Web Bot Auth. The signature proves that the key is the
 * publisher's, and binds the directory to its host. `now`: ms since 1970.
 */
export async function signKeyDirectory(
  identity: Identity,
  authority: string,
  now: number,
): Promise<SignedKeyDirectory> {
  const { crypto, did, ed25519 } = identity;
  const key = await directoryKey(crypto, did);
  const body = JSON.stringify({ keys: [key] });
  const digest = contentDigest(await crypto.sha256(encodeUtf8(body)));
  const created = Math.floor(now / 1000);
  const covered = ['"@authority";req', '"content-digest"'] as const;
  const params = `(${covered.join(' ')});created=${created};expires=${created + LIFETIME_S};keyid="${key.kid}";alg="ed25519";tag="http-message-signatures-directory"`;
  const lines = componentLine(covered[0], authority.toLowerCase()) + componentLine(covered[1], digest);
  const signature = await ed25519.sign(encodeUtf8(signatureBase(lines, params)));
  return {
    headers: {
      'Content-Type': KEY_DIRECTORY_TYPE,
      'Cache-Control': `max-age=${CACHE_S}, no-transform`,
      'Content-Digest': digest,
      'Signature-Input': `directory=${params}`,
      Signature: `directory=${byteSequence(signature)}`,
    },
    body,
  };
}
