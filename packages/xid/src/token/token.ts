import type { KeyObject } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import type { Did, RandomBytes } from '@private.me/xlink';
import { XidError } from '../errors.js';
import { fromBase64url, isMembers, lengthPrefixed, sha256, toBase64url } from '../util/bytes.js';
import { isClassName, isDid, isTime } from '../util/forms.js';
import type { SignerKeys } from '../util/signed.js';
import { BLIND_RSA_VARIANTS, blind, finalize, verifyBlind } from './blind-rsa.js';
import { issuerKeyId, openIssuerKey, type XidIssuerKey } from './issuer-key.js';

const LABEL = 'xlink/1 xid token';
const VARIANT = BLIND_RSA_VARIANTS['RSABSSA-SHA384-PSS-Randomized'];
const PREFIX_BYTES = 32;

/**
 * A right to be one member of a class at one service in one epoch, signed by a registrar that never saw it: not even together with the service can it tell
 * who got it. Good once, and only for the DID in it.
 */
export interface XidToken {
  /** Tells it from a certificate. */
  readonly kind: 'token';
  /** The DID of the registrar whose key signed it. */
  readonly registrar: Did;
  /** From `issuerKeyId`. */
  readonly keyId: string;
  readonly class: string;
  /** Number of the epoch. */
  readonly epoch: number;
  /** The service: its origin or DID, as `normalizeVerifier` gives it. */
  readonly audience: string;
  /** The identity of the epoch. */
  readonly did: Did;
  /** 32 random bytes as base64url. */
  readonly prefix: string;
  /** RSASSA-PSS with SHA-384 (RFC 9474), as long as the modulus, as base64url. */
  readonly signature: string;
}

type Claim = Pick<XidToken, 'registrar' | 'class' | 'epoch' | 'audience' | 'did'>;

const messageOf = ({ registrar, class: name, epoch, audience, did }: Claim): Uint8Array =>
  lengthPrefixed([LABEL, registrar, name, epoch, audience, did]);

const preparedOf = (token: Claim & Pick<XidToken, 'prefix'>): Uint8Array =>
  Buffer.concat([fromBase64url(token.prefix, PREFIX_BYTES)!, messageOf(token)]);

/** The name under which a token is spent: SHA-256 of what is signed, 43 characters of base64url. */
export const tokenId = (token: XidToken): string => toBase64url(sha256(preparedOf(token)));

/** What a holder needs to ask for a token. */
export interface TokenRequest {
  /** The identity of the epoch, at one service. */
  readonly did: Did;
  /** The service, as `normalizeVerifier` gives it. */
  readonly audience: string;
  /** The key that all others have, too. */
  readonly issuerKey: XidIssuerKey;
  /** Who must have signed that. */
  readonly registrar: SignerKeys;
  /** Has the registrar sign: gets and gives as many bytes as the modulus has. The holder proves to it who it is, by its lasting identity. */
  readonly sign: (blinded: Uint8Array) => Promise<Uint8Array> | Uint8Array;
  /** Default: that of `node:crypto`. */
  readonly random?: RandomBytes;
}

/** Gets a token. Rejects with `ISSUER_KEY_INVALID`, `BLIND_SIGNATURE_INVALID`, or what `sign` rejects with. */
export async function requestToken(request: TokenRequest): Promise<XidToken> {
  const { did, audience, random = randomBytes } = request;
  const { statement, key } = await openIssuerKey(request.issuerKey, request.registrar);
  const { registrar, class: name, epoch } = statement;
  const prefix = toBase64url(random(PREFIX_BYTES));
  const claim = { registrar, class: name, epoch, audience, did };
  const message = preparedOf({ ...claim, prefix });
  const made = blind(key, message, VARIANT, { random });
  const signature = finalize(key, message, VARIANT, made, await request.sign(made.blinded));
  return Object.freeze({
    kind: 'token',
    ...claim,
    keyId: issuerKeyId(statement),
    prefix,
    signature: toBase64url(signature),
  });
}

/** A frozen copy of the known members, all in form. Throws `TOKEN_INVALID`. */
export function copyToken(value: unknown): XidToken {
  const wrong = (field: string) => new XidError('TOKEN_INVALID', { field });
  if (!isMembers(value) || value['kind'] !== 'token') throw wrong('kind');
  const { registrar, keyId, class: name, epoch, audience, did, prefix, signature } = value;
  if (!isDid(registrar)) throw wrong('registrar');
  if (!isDid(did)) throw wrong('did');
  if (!isClassName(name)) throw wrong('class');
  if (!isTime(epoch)) throw wrong('epoch');
  if (typeof audience !== 'string' || audience === '' || audience.length > 512) throw wrong('audience');
  if (!fromBase64url(keyId, 32)) throw wrong('keyId');
  if (!fromBase64url(prefix, PREFIX_BYTES)) throw wrong('prefix');
  if (!fromBase64url(signature)) throw wrong('signature');
  const own = { registrar, keyId, class: name, epoch, audience, did, prefix, signature };
  return Object.freeze({ kind: 'token', ...own }) as XidToken;
}

/** Throws `TOKEN_INVALID:SIGNATURE`. */
export function verifyToken(token: XidToken, key: KeyObject): void {
  if (!verifyBlind(key, preparedOf(token), VARIANT, fromBase64url(token.signature)!))
    throw new XidError('TOKEN_INVALID:SIGNATURE');
}
