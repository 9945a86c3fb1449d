import { XlockError } from '../errors.js';
import { fromBase64url, isMembers, lengthPrefixed, parseJson } from '../util/bytes.js';
import { isSignedBy } from '../util/signed-by.js';
import type { XStoreBackend } from './backend.js';

/** A store that an admin of a service does not want shares in any more. */
export interface RevokedStore {
  /** All below it is meant, such as `https://dav.example/`. */
  readonly url: string;
  /** For people; may be empty. */
  readonly reason: string;
  /** In ms since 1970. */
  readonly revokedAt: number;
}

/** The list of a service, signed by it, so that nobody on the way drives devices off a good store. */
export interface RevokedStores {
  /** Of the service. */
  readonly origin: string;
  /** In ms since 1970. */
  readonly issuedAt: number;
  readonly revoked: readonly RevokedStore[];
  /** By the DID of the service, Ed25519, base64url. */
  readonly signature: string;
}

/** Where the auth server has the list, below its origin. */
export const REVOKED_PATH = '/v1/backends';

/** How old a list may be, in ms. */
const FRESH_MS = 600_000;

/** What is signed. */
export const revokedText = ({ origin, issuedAt, revoked }: Omit<RevokedStores, 'signature'>) =>
  lengthPrefixed([
    'xlink/1 xlock revoked stores',
    origin,
    issuedAt,
    ...revoked.flatMap(({ url, reason, revokedAt }) => [url, reason, revokedAt]),
  ]);

/** Whether a store lies at or below a revoked URL, however the two are written; stores that do not tell their `url` do not. */
export const isRevoked = ({ url }: XStoreBackend, revoked: readonly RevokedStore[]): boolean =>
  url !== undefined && revoked.some((one) => folderUrl(url).startsWith(folderUrl(one.url)));

/** Host in small letters, no default port, and one slash at the end. */
const folderUrl = (text: string): string =>
  (URL.canParse(text) ? new URL(text).href : text).replace(/\/*$/, '/');

/**
 * The stores that the auth server of a service has revoked, for the device to move its shares away from. `verifier`: the DID of the service, as the passkey has it.
 * Throws `RESPONSE_SIGNATURE_INVALID` for a list that is not
 * signed by it or is older than ten minutes, and `SERVICE_UNREACHABLE`, with `details` of `url` and `status`, where the server cannot answer now (429, or 500
 * and above); rejects where nobody answers. A service without such a list has revoked none.
 */
export async function revokedStores(
  service: string,
  options: { readonly verifier: string; readonly fetch?: typeof fetch; readonly clock?: () => number },
): Promise<readonly RevokedStore[]> {
  const ask = options.fetch ?? fetch;
  const url = service + REVOKED_PATH;
  const response = await ask(url, {
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  });
  const { status } = response;
  const text = await response.text();
  if (status === 429 || status >= 500)
    throw new XlockError('SERVICE_UNREACHABLE', { details: { url, status } });
  if (!response.ok) return []; // a service of another kind
  const value = parseJson(text.slice(0, 1_048_576));
  const now = (options.clock ?? Date.now)();
  if (!isList(value) || value.origin !== service || Math.abs(now - value.issuedAt) > FRESH_MS)
    throw new XlockError('RESPONSE_SIGNATURE_INVALID');
  const signature = fromBase64url(value.signature, 64);
  if (!signature || !isSignedBy(options.verifier, revokedText(value), signature))
    throw new XlockError('RESPONSE_SIGNATURE_INVALID');
  return value.revoked;
}

function isList(value: unknown): value is RevokedStores {
  if (!isMembers(value) || !Array.isArray(value['revoked'])) return false;
  const { origin, issuedAt, signature, revoked } = value;
  const isRow = (row: unknown) =>
    isMembers(row) &&
    typeof row['url'] === 'string' &&
    typeof row['reason'] === 'string' &&
    Number.isSafeInteger(row['revokedAt']);
  return (
    typeof origin === 'string' &&
    Number.isSafeInteger(issuedAt) &&
    typeof signature === 'string' &&
    revoked.every(isRow)
  );
}
