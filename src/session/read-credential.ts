import { isScopeOrAll } from '../envelope/fields.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeBase64url } from '../util/base64url.js';
import { type Credential, FORMAT, FRONT_BYTES, HEAD_BYTES, SEALED_HERE } from './credential.js';
import { MAX_SEQUENCE, SALT_BYTES } from './protocol.js';

/** Node takes 16 KiB of headers by default. */
const MAX_CHARACTERS = 32 * 1024;
const MAX_SCOPE_CHARACTERS = 128;

/** Throws `SESSION_MALFORMED`, or `SESSION_SEQUENCE_INVALID` for a number that no session has. */
export function decodeCredential(text: string): Credential {
  const bytes = text.length <= MAX_CHARACTERS ? decodeBase64url(text) : undefined;
  if (!bytes || bytes.length < HEAD_BYTES || bytes[0] !== FORMAT || bytes[1]! > SEALED_HERE)
    throw malformed('xlink-session');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seq = view.getUint32(FRONT_BYTES);
  const salt = bytes.subarray(FRONT_BYTES + 4, FRONT_BYTES + 4 + SALT_BYTES);
  const at = FRONT_BYTES + 4 + SALT_BYTES;
  const timestamp = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  const end = HEAD_BYTES + view.getUint16(2);
  if (end > HEAD_BYTES + MAX_SCOPE_CHARACTERS) throw malformed('scope');
  const scope = String.fromCharCode(...bytes.subarray(HEAD_BYTES, end));
  const isHere = bytes[1] === SEALED_HERE;
  if (end > bytes.length || (!isHere && end < bytes.length)) throw malformed('xlink-session');
  if (!isScopeOrAll(scope)) throw malformed('scope');
  if (!Number.isSafeInteger(timestamp)) throw malformed('timestamp');
  if (seq >= MAX_SEQUENCE) throw xlinkError('SESSION_SEQUENCE_INVALID', { field: 'seq' });
  const sealed = isHere ? bytes.subarray(end) : undefined;
  return { ticket: bytes.subarray(4, FRONT_BYTES), seq, salt, timestamp, scope, sealed };
}

const malformed = (field: string) => xlinkError('SESSION_MALFORMED', { field });
