import { defaultProvider } from '#provider';
import { lengthPrefixed } from '../../crypto/bytes.js';
import type { Did } from '../../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';

const PREFIX = 'xinv_';
const SERVICE_LABEL = encodeUtf8('xlink/1 invitation service');
const TOKEN_LABEL = encodeUtf8('xlink/1 invitation');
/** Of the mark of the service, and of the secret, in bytes. */
const MARK_BYTES = 6;
const SECRET_BYTES = 32;

/** The text of a new invitation: `xinv_`, and in base64url a mark of the service (6 bytes) and a secret of 32 random bytes. */
export async function newToken(service: Did): Promise<string> {
  const bytes = new Uint8Array(MARK_BYTES + SECRET_BYTES);
  bytes.set(await markOf(service));
  bytes.set(defaultProvider().randomBytes(SECRET_BYTES), MARK_BYTES);
  return PREFIX + encodeBase64url(bytes);
}

/** Whether a text has the form of one, and whether it was made for this service: that is for the error alone, and no proof. */
export async function readToken(
  token: string,
  service: Did,
): Promise<'not-an-invitation' | 'of-another-service' | 'may-be-good'> {
  const bytes = token.startsWith(PREFIX) ? decodeBase64url(token.slice(PREFIX.length)) : undefined;
  if (bytes?.length !== MARK_BYTES + SECRET_BYTES) return 'not-an-invitation';
  const mark = await markOf(service);
  return mark.every((byte, at) => bytes[at] === byte) ? 'may-be-good' : 'of-another-service';
}

/** What is kept in the place of the text: its SHA-256, 43 characters of base64url. Also the number by which operators name it. */
export async function numberOf(token: string): Promise<string> {
  return encodeBase64url(await defaultProvider().sha256(lengthPrefixed([TOKEN_LABEL, token])));
}

const markOf = async (service: Did): Promise<Uint8Array> =>
  (await defaultProvider().sha256(lengthPrefixed([SERVICE_LABEL, service]))).subarray(0, MARK_BYTES);
