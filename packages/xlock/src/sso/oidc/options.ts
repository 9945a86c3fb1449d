import type { IncomingMessage } from 'node:http';
import type { AuditSink, OperationsStore } from '@private.me/xlink';
import { isOrigin, isReadable } from '../../challenge/challenge.js';
import { isMembers } from '../../util/bytes.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isFunction,
} from '../../util/options.js';
import type { XlockVerifier } from '../../verifier/verifier.js';
import type { Login } from '../holds.js';
import { assertOwnUrl, assertStore } from '../own-options.js';

/** A service that users sign in to, in the names of RFC 7591. */
export interface OidcClient {
  /** Its name in requests. */
  readonly client_id: string;
  /** Its name for people: the page and the device show it. 1 to 100 characters. Default: `client_id`. */
  readonly client_name?: string;
  /** 32 to 256 random characters. Default none: a public client, which PKCE alone protects. */
  readonly client_secret?: string;
  /** Where codes may go, compared as they are written. https; http for this machine only; native clients: their own scheme, too. */
  readonly redirect_uris: readonly string[];
  /** Where the browser may go after signing out. Default none. */
  readonly post_logout_redirect_uris?: readonly string[];
  /** Told when a session ends (OpenID Connect Back-Channel Logout 1.0). Default: not told. */
  readonly backchannel_logout_uri?: string;
  /** `native`: an app on the user's device (RFC 8252). Default `web`. */
  readonly application_type?: 'web' | 'native';
  /** Default `client_secret_basic` with a secret, `none` without. */
  readonly token_endpoint_auth_method?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'none';
  /** Public keys of the client, for `private_key_jwt`. Default none. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  /** Default: `RS256` where there is an RSA key, otherwise that of the first key. */
  readonly id_token_signed_response_alg?: string;
}

/** Options of {@link xlockOidc}. */
export interface XlockOidcOptions {
  /** Asks the devices. Its origin must be that of `issuer`, since that is what they show. */
  readonly verifier: XlockVerifier;
  /** `https://id.example` or with a path, such as `https://id.example/oidc`. http for this machine only. */
  readonly issuer: string;
  /** The services. All are the operator's own: users are asked for their approval, not for consent to single scopes. */
  readonly clients: readonly OidcClient[];
  /**
   * Sign-ins, codes, tokens and sessions; the same for all instances. It may be the one of the verifier. Default: in memory, which is refused
   * where `NODE_ENV` is `production`. Codes and tokens are kept by their hashes; sessions and, without `jwks`, private keys as they are: keep
   * the store as safe as those.
   */
  readonly store?: OperationsStore;
  /** Private keys that sign ID tokens, RFC 7517; the first of a kind signs, all are published. Default: RS256 and ES256, made once and kept in the store. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  /** More about a user, by OpenID Connect Core 5.1; handed out by scope. Default: `preferred_username`, the account, for `profile`. */
  readonly claimsOf?: (
    account: Pick<Login, 'did' | 'userId'>,
  ) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** Which claims a scope hands out, beside those of `openid`, `profile` and `email`. Default none. */
  readonly scopes?: Readonly<Record<string, readonly string[]>>;
  /** How long a sign-in is good for further services, in ms, up to 90 days. Default 86 400 000. */
  readonly sessionTtlMs?: number;
  /** How long an access token is good, in ms, up to a day. Default 600 000. */
  readonly accessTokenTtlMs?: number;
  /** How long a refresh token is good, in ms, up to 90 days; each use gives a new one. Default 1 209 600 000, 14 days. */
  readonly refreshTokenTtlMs?: number;
  /** What the device shows: where the sign-in comes from. Default: the address of the connection, and the browser as it calls itself. */
  readonly metadataOf?: (request: IncomingMessage) => Readonly<Record<string, string>>;
  /**
   * Makes the link, also shown as a code to scan, that opens a challenge on a device: for an approval page at an origin of its own. Default: the
   * https link of the challenge, which an app has to own.
   */
  readonly deviceLink?: (challenge: string) => string;
  /** How long a page's question for the state waits, in ms, up to 60 000. Default 25 000. */
  readonly waitMs?: number;
  /** Told each sign-in; where it cannot be written, nobody is let in (`AUDIT_UNAVAILABLE`). Default none. */
  readonly audit?: Pick<AuditSink, 'append'>;
}

const NAMES = [
  'verifier',
  'issuer',
  'clients',
  'store',
  'jwks',
  'claimsOf',
  'scopes',
  'sessionTtlMs',
  'accessTokenTtlMs',
  'refreshTokenTtlMs',
  'metadataOf',
  'deviceLink',
  'waitMs',
  'audit',
] as const satisfies readonly (keyof XlockOidcOptions)[];

const CLIENT_NAMES = [
  'client_id',
  'client_name',
  'client_secret',
  'redirect_uris',
  'post_logout_redirect_uris',
  'backchannel_logout_uri',
  'application_type',
  'token_endpoint_auth_method',
  'jwks',
  'id_token_signed_response_alg',
] as const satisfies readonly (keyof OidcClient)[];

const OWNER = 'xlockOidc';
const DAY_MS = 86_400_000;

/** Throws `INVALID_OPTION`. */
export function checkOidcOptions(options: XlockOidcOptions): void {
  checkNames(OWNER, options, NAMES);
  const check = (name: keyof XlockOidcOptions, isGood: (value: unknown) => boolean, what: string) =>
    checkValue(OWNER, name, options[name] as unknown, isGood, what);
  const { verifier, issuer, clients, store } = options;
  if (!hasMethods('createLoginChallenge', 'verifyAuth')(verifier))
    throw invalidOption('verifier', `${OWNER}: verifier must be an XlockVerifier.`);
  assertOwnUrl(OWNER, 'issuer', issuer, verifier);
  if (!Array.isArray(clients)) throw invalidOption('clients', `${OWNER}: clients must be a list.`);
  for (const client of clients as readonly OidcClient[]) checkClient(client);
  if (new Set(clients.map(({ client_id }) => client_id)).size !== clients.length)
    throw invalidOption('clients', `${OWNER}: every client_id must be another one.`);
  assertStore(OWNER, store);
  check('claimsOf', isFunction, 'a function');
  check(
    'scopes',
    (value) =>
      isMembers(value) &&
      Object.entries(value).every(([scope, claims]) => /^[\w:.-]+$/.test(scope) && areTexts(claims)),
    'lists of claims by scope',
  );
  check('sessionTtlMs', integerIn(1000, 90 * DAY_MS), 'a whole number of ms up to 90 days');
  check('accessTokenTtlMs', integerIn(1000, DAY_MS), 'a whole number of ms up to a day');
  check('refreshTokenTtlMs', integerIn(1000, 90 * DAY_MS), 'a whole number of ms up to 90 days');
  check('metadataOf', isFunction, 'a function');
  check('deviceLink', isFunction, 'a function');
  check('waitMs', integerIn(10, 60_000), 'a whole number of ms from 10 to 60000');
  check('audit', hasMethods('append'), 'an AuditSink of @private.me/xlink');
}

const areTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((text) => typeof text === 'string' && text !== '');

function checkClient(client: OidcClient): void {
  const owner = `${OWNER}: a client`;
  checkNames(owner, client, CLIENT_NAMES);
  const check = (name: keyof OidcClient, isGood: (value: unknown) => boolean, what: string) =>
    checkValue(owner, name, client[name] as unknown, isGood, what);
  const isId = (value: unknown) => /^[\x21-\x7e]{1,100}$/.test(String(value ?? ''));
  if (!isId(client.client_id)) throw invalidOption('client_id', `${owner} needs a client_id without spaces.`);
  check(
    'client_name',
    (value) => isReadable(value) && (value as string).length <= 100,
    'up to 100 characters',
  );
  check(
    'client_secret',
    (value) => /^[\x21-\x7e]{32,256}$/.test(String(value)),
    '32 to 256 random characters',
  );
  const isNative = client.application_type === 'native';
  const isHttp = (value: string) => URL.canParse(value) && isOrigin(new URL(value).origin);
  const isTarget = (value: unknown) =>
    typeof value === 'string' &&
    !value.includes('#') &&
    (isHttp(value) || (isNative && /^[a-z][\w+.-]*\.[\w+.-]+:\//i.test(value)));
  const areTargets = (value: unknown) => areTexts(value) && (value as string[]).every(isTarget);
  if (!areTargets(client.redirect_uris) || client.redirect_uris.length === 0)
    throw invalidOption(
      'redirect_uris',
      `${owner} needs redirect_uris: https, without a fragment; http of this machine only.`,
    );
  check('post_logout_redirect_uris', areTargets, 'https URLs');
  check('backchannel_logout_uri', isTarget, 'an https URL');
  check('application_type', (value) => value === 'web' || value === 'native', 'web or native');
}
