import { isScopeOrAll } from '../envelope/fields.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeBase64url } from '../util/base64url.js';
import {
  type Credential,
  FORMAT,
  FRONT_BYTES,
  FRONT_CHARACTERS,
  HEAD_BYTES,
  SEALED_HERE,
} from './credential.js';
import { MAX_SEQUENCE, SALT_BYTES } from './protocol.js';

/** Node takes 16 KiB of headers by default. */
const MAX_CHARACTERS = 32 * 1024;
const MAX_SCOPE_CHARACTERS = 128;

/** What a credential begins with, which is the same in all requests with a ticket. */
export interface CredentialFront extends Pick<Credential, 'ticket'> {
  /** Whether what is sealed of the request is in the credential. */
  readonly isHere: boolean;
  readonly scopeCharacters: number;
}

/** Throws `SESSION_MALFORMED`. */
export function decodeFront(text: string): CredentialFront {
  const bytes = decodeBase64url(text);
  if (bytes?.length !== FRONT_BYTES || bytes[0] !== FORMAT || bytes[1]! > SEALED_HERE)
    throw malformed('xlink-session');
  const scopeCharacters = bytes[2]! * 256 + bytes[3]!;
  if (scopeCharacters > MAX_SCOPE_CHARACTERS) throw malformed('scope');
  return { ticket: bytes.subarray(4), isHere: bytes[1] === SEALED_HERE, scopeCharacters };
}

/** Throws `SESSION_MALFORMED`, or `SESSION_SEQUENCE_INVALID` for a number that no session has. */
export function decodeCredential(text: string, front?: CredentialFront): Credential {
  if (text.length > MAX_CHARACTERS) throw malformed('xlink-session');
  const { ticket, isHere, scopeCharacters } = front ?? decodeFront(text.slice(0, FRONT_CHARACTERS));
  const bytes = decodeBase64url(text.slice(FRONT_CHARACTERS));
  if (!bytes || bytes.length < HEAD_BYTES - FRONT_BYTES) throw malformed('xlink-session');
  const at = 4 + SALT_BYTES;
  const seq = uint32(bytes, 0);
  const timestamp = uint32(bytes, at) * 2 ** 32 + uint32(bytes, at + 4);
  const end = at + 8 + scopeCharacters;
  if (end > bytes.length || (!isHere && end < bytes.length)) throw malformed('xlink-session');
  let scope = '';
  for (let i = at + 8; i < end; i++) scope += String.fromCharCode(bytes[i]!);
  if (!isScopeOrAll(scope)) throw malformed('scope');
  if (!Number.isSafeInteger(timestamp)) throw malformed('timestamp');
  if (seq >= MAX_SEQUENCE) throw xlinkError('SESSION_SEQUENCE_INVALID', { field: 'seq' });
  const sealed = isHere ? bytes.subarray(end) : undefined;
  return { ticket, seq, salt: bytes.subarray(4, at), timestamp, scope, sealed };
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  bytes[at]! * 2 ** 24 + bytes[at + 1]! * 2 ** 16 + bytes[at + 2]! * 2 ** 8 + bytes[at + 3]!;

const malformed = (field: string) => xlinkError('SESSION_MALFORMED', { field });
