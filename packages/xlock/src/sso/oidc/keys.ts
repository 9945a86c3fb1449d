import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { isMembers, sha256, toBase64url } from '../../util/bytes.js';
import { invalidOption } from '../../util/options.js';
import { asked } from '../../verifier/records.js';

/** A private JWK. */
export type PrivateJwk = Readonly<Record<string, unknown>>;

/** What signs ID tokens, and cookies. */
export interface OidcKeys {
  readonly jwks: readonly PrivateJwk[];
  /** The first signs, the others are still taken. */
  readonly cookies: readonly string[];
}

const generate = promisify(generateKeyPair) as (
  type: string,
  options: object,
) => Promise<{ readonly privateKey: KeyObject }>;

/** The keys of the store, made by whoever comes first; signing keys of the options stand in the place of those. */
export async function oidcKeys(
  store: OperationsStore,
  given: readonly PrivateJwk[] | undefined,
): Promise<OidcKeys> {
  const documents = new Documents<OidcKeys>(store, 'xlock-oidc-keys');
  const known = await asked(() => documents.get('current'));
  if (known && (given !== undefined || known.jwks.length > 0)) return { ...known, jwks: given ?? known.jwks };
  const jwks = given === undefined ? await newKeys() : [];
  const made: OidcKeys = { jwks, cookies: [toBase64url(randomBytes(32))] };
  const kept = await asked(() =>
    documents.update('current', (before) => {
      if (before === undefined) return made;
      return before.jwks.length > 0 || jwks.length === 0 ? before : { ...before, jwks };
    }),
  );
  return { ...kept, jwks: given ?? kept.jwks };
}

async function newKeys(): Promise<readonly PrivateJwk[]> {
  const [rsa, ec] = await Promise.all([
    generate('rsa', { modulusLength: 3072 }),
    generate('ec', { namedCurve: 'P-256' }),
  ]);
  return [named(rsa.privateKey, 'RS256'), named(ec.privateKey, 'ES256')];
}

const named = (key: KeyObject, alg: string): PrivateJwk => {
  const jwk = key.export({ format: 'jwk' });
  return { ...jwk, alg, use: 'sig', kid: toBase64url(sha256(String(jwk.n ?? jwk.x))).slice(0, 16) };
};

/** Algorithms of keys, as ID tokens name them (RFC 7518, RFC 8037). */
const ALGORITHMS: Readonly<Record<string, string>> = {
  RSA: 'RS256',
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
};

/** The algorithm of a key. */
export const algorithmOf = ({ alg, kty, crv }: PrivateJwk): string =>
  typeof alg === 'string' ? alg : (ALGORITHMS[String(crv ?? kty)] ?? 'RS256');

/** How the modulus of the key begins that everybody finds in the source of oidc-provider. */
const KNOWN_TO_ALL =
  'xwQ72P9z9OYshiQ-ntDYaPnnfwG6u9JAdLMZ5o0dmjlcyrvwQRdoFIKPnO65Q8mh6F_LDSxjxa2Yzo_wdjhbPZLjfUJXgCzm54cClXzT5twzo7lzoAfaJlkTsoZc2HFW';

/** The keys of a set. Throws `INVALID_OPTION` for public, weak, broken keys, and for the one that oidc-provider is published with. */
export function checkJwks(jwks: unknown): readonly PrivateJwk[] | undefined {
  if (jwks === undefined) return undefined;
  const keys = isMembers(jwks) ? jwks['keys'] : undefined;
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isMembers))
    throw invalidOption('jwks', 'xlockOidc: jwks must be { keys: […] } with at least one private key.');
  for (const key of keys as PrivateJwk[]) {
    if (key['kid'] === 'keystore-CHANGE-ME' || String(key['n']).startsWith(KNOWN_TO_ALL))
      throw invalidOption(
        'jwks',
        'xlockOidc: jwks holds the development key of oidc-provider, whose private part is public. Make your own.',
      );
    assertPrivate(key);
  }
  return keys;
}

function assertPrivate(jwk: PrivateJwk): void {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: jwk as Record<string, string>, format: 'jwk' });
  } catch {
    throw invalidOption('jwks', 'xlockOidc: every key of jwks must be a private one: RSA, EC or Ed25519.');
  }
  if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
    throw invalidOption('jwks', 'xlockOidc: RSA keys must have at least 2048 bits.');
}
