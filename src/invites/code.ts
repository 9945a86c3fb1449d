import { defaultProvider } from '#provider';
import { concat, lengthPrefixed } from '../crypto/bytes.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { xlinkError } from '../errors/service-errors.js';
import { isBaseUrl } from '../http/base-url.js';
import { decodeDidKey, encodeDidKey } from '../identity/did.js';
import type { Did, Scope } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { isLine } from '../util/operator.js';
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js';

const PREFIX = 'XLK-';
const FORMAT = 1;
const LABEL = encodeUtf8('xlink/1 invite');
/** Of the DID key, of the secret, and of the signature, in bytes. */
const KEY_BYTES = 32;
export const SECRET_BYTES = 16;
const SIGNATURE_BYTES = 64;
/** Longer ones are no codes: 4096 characters. */
const MAX_CHARACTERS = 4096;

/** What an invite code says. */
export interface InviteTerms {
  /** Who invites, and signed the code. */
  readonly from: Did;
  /** Its name, as it says itself: no proof. Absent: none. */
  readonly name?: string;
  /** Where it takes messages by POST; `/invite` below that takes the acceptance. */
  readonly url: string;
  /** Scopes that the one who accepts may send with. */
  readonly scopes: readonly Scope[];
  /** Scopes that the one who invites may send with in return. */
  readonly receives: readonly Scope[];
  /** Until when it can be accepted; whole seconds. */
  readonly expiresAt: Date;
}

/** A code, taken apart. Its signature was not looked at. */
export interface ParsedInvite extends InviteTerms {
  /** 16 bytes, which only those have who have the code. */
  readonly secret: Uint8Array;
  /** What is signed, with its label. */
  readonly signed: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

const signedPart = (body: Uint8Array): Uint8Array => lengthPrefixed([LABEL, body]);

/** The text of a code. `sign` signs with the key of `from`. */
export async function writeInvite(
  { from, name = '', url, scopes, receives, expiresAt }: InviteTerms,
  secret: Uint8Array,
  sign: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const seconds = Math.floor(expiresAt.getTime() / 1000);
  const texts = [url, name, scopes.join(' '), receives.join(' ')].map(sized);
  const time = Uint8Array.from([32, 24, 16, 8, 0], (bits) => Math.floor(seconds / 2 ** bits));
  const body = concat([Uint8Array.of(FORMAT), decodeDidKey(from), secret, time, ...texts]);
  return PREFIX + encodeBase64url(concat([body, await sign(signedPart(body))]));
}

/** A text behind its length, 16 bits. */
function sized(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  return concat([Uint8Array.of(bytes.length >> 8, bytes.length), bytes]);
}

/** Takes a code apart, or the link that it is in. Throws `INVITATION_REFUSED:MALFORMED`. */
export function parseInvite(text: string): ParsedInvite {
  const parsed = typeof text === 'string' && text.length <= MAX_CHARACTERS ? parts(codeIn(text)) : undefined;
  if (!parsed) throw xlinkError('INVITATION_REFUSED:MALFORMED', { field: 'invite' });
  return parsed;
}

/** A link has the code in its fragment, which browsers keep to themselves. */
const codeIn = (text: string): string => text.trim().replace(/^https?:\/\/[^#\s]*#/, '');

function parts(code: string): ParsedInvite | undefined {
  const bytes = code.startsWith(PREFIX) ? decodeBase64url(code.slice(PREFIX.length)) : undefined;
  if (!bytes || bytes[0] !== FORMAT || bytes.length < 1 + KEY_BYTES + SECRET_BYTES + 5 + 8 + SIGNATURE_BYTES)
    return undefined;
  const body = bytes.subarray(0, -SIGNATURE_BYTES);
  let at = 1;
  const next = (length: number) => body.subarray(at, (at += length));
  const key = next(KEY_BYTES);
  const secret = next(SECRET_BYTES);
  const seconds = next(5).reduce((all, byte) => all * 256 + byte, 0);
  const text = () => {
    const [high = 0, low = 0] = next(2);
    const length = high * 256 + low;
    return at + length <= body.length ? textIn(next(length)) : undefined;
  };
  const [url, name, scopes, receives] = [text(), text(), listIn(text()), listIn(text())];
  const isNamed = name === '' || isLine(128)(name) === undefined; // no name of 128 characters misleads whoever reads it
  if (at !== body.length || name === undefined || !isNamed || !scopes || !receives || isBaseUrl(url))
    return undefined;
  return {
    from: encodeDidKey(key),
    ...(name === '' ? {} : { name }),
    url: url!,
    scopes,
    receives,
    expiresAt: new Date(seconds * 1000),
    secret,
    signed: signedPart(body),
    signature: bytes.subarray(-SIGNATURE_BYTES),
  };
}

function textIn(bytes: Uint8Array): string | undefined {
  try {
    const text = decodeUtf8(bytes);
    return /\p{Cc}/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function listIn(text: string | undefined): readonly Scope[] | undefined {
  if (text === undefined) return undefined;
  const scopes = text === '' ? [] : text.split(' ');
  return scopes.every(isScopeOrAll) ? scopes : undefined;
}

/** Takes a code apart and verifies that `from` signed it. Throws `INVITATION_REFUSED:MALFORMED` or `:FORGED`. */
export async function verifiedInvite(text: string): Promise<ParsedInvite> {
  const parsed = parseInvite(text);
  const verifier = await verifierOf(parsed.from);
  if (!(await verifier?.verify(parsed.signed, parsed.signature)))
    throw xlinkError('INVITATION_REFUSED:FORGED', { field: 'invite' });
  return parsed;
}

/** `undefined`: the bytes are no point of the curve. */
async function verifierOf(did: Did) {
  try {
    return await defaultProvider().ed25519.verifier(decodeDidKey(did));
  } catch {
    return undefined;
  }
}

/** What a code says, its signature verified; asks nobody. Throws `INVITATION_REFUSED:MALFORMED` or `:FORGED`. */
export async function readInvite(code: string): Promise<InviteTerms> {
  const { secret, signed, signature, ...terms } = await verifiedInvite(code);
  return terms;
}
