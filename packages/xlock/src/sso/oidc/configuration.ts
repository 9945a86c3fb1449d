import type { AccountClaims, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { given } from '../../util/bytes.js';
import { pageHeaders, pageText } from '../../web/page.js';
import { subjectOf } from '../holds.js';
import { errorBody, logoutBody, signedOutBody } from './bodies.js';
import { algorithmOf, type OidcKeys } from './keys.js';
import type { Logins, SsoLogin } from './logins.js';
import type { OidcClient, XlockOidcOptions } from './options.js';

/** The part of oidc-provider that is loaded. */
export type OidcModule = typeof import('oidc-provider');

/** Where the pages of sign-ins are, below the issuer. */
export const INTERACTION = '/interaction';
/** How long a sign-in may take, in ms. */
export const INTERACTION_MS = 600_000;
const CODE_S = 60;

const seconds = (ms: number): number => Math.max(1, Math.floor(ms / 1000));

const clientOf = (client: OidcClient, algorithm: string) => ({
  token_endpoint_auth_method: client.client_secret === undefined ? 'none' : 'client_secret_basic',
  client_name: client.client_id,
  id_token_signed_response_alg: algorithm,
  ...client,
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
});

/** How long anything that follows from a login can be good, in ms. */
export const longestMs = ({
  refreshTokenTtlMs = 1_209_600_000,
  sessionTtlMs = 86_400_000,
}: XlockOidcOptions) => Math.max(refreshTokenTtlMs, sessionTtlMs) + 86_400_000;

/** What {@link oidcConfiguration} puts together. */
export interface ConfigurationParts {
  readonly options: XlockOidcOptions;
  readonly keys: OidcKeys;
  readonly adapter: Configuration['adapter'];
  readonly logins: Logins;
  /** Who approved the sign-in that this request resumes; `undefined`: it is none. */
  readonly approvedIn: (
    ctx: KoaContextWithOIDC,
  ) => Promise<Omit<SsoLogin, 'id' | 'at' | 'epoch' | 'until' | 'sessionUntil'> | undefined>;
}

/** oidc-provider with everything off that is not needed: code flow with PKCE (S256), rotating refresh tokens, secure cookies. */
export function oidcConfiguration(oidc: OidcModule, parts: ConfigurationParts): Configuration {
  const { options, keys, adapter, logins } = parts;
  const { issuer, clients, scopes = {} } = options;
  const isSecure = issuer.startsWith('https:');
  const path = new URL(issuer).pathname.replace(/\/$/, '');
  const algorithms = keys.jwks.map(algorithmOf);
  const algorithm = algorithms.find((one) => one === 'RS256') ?? algorithms[0]!;
  const cookie = {
    signed: true,
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure,
    overwrite: true,
  } as const;
  const {
    sessionTtlMs = 86_400_000,
    accessTokenTtlMs = 600_000,
    refreshTokenTtlMs = 1_209_600_000,
  } = options;
  return {
    adapter,
    clients: clients.map((client) => clientOf(client, algorithm)) as NonNullable<Configuration['clients']>,
    jwks: { keys: keys.jwks as never },
    cookies: {
      keys: [...keys.cookies],
      names: {
        session: isSecure ? '__Host-xlock_oidc' : 'xlock_oidc',
        interaction: isSecure ? '__Secure-xlock_oidc_sign_in' : 'xlock_oidc_sign_in',
        resume: isSecure ? '__Secure-xlock_oidc_resume' : 'xlock_oidc_resume',
      },
      long: cookie,
      short: cookie,
    },
    scopes: ['openid', 'offline_access', 'profile', 'email', ...Object.keys(scopes)],
    claims: {
      openid: ['sub', 'amr', 'auth_time'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'picture', 'locale', 'updated_at'],
      email: ['email', 'email_verified'],
      ...Object.fromEntries(Object.entries(scopes).map(([scope, claims]) => [scope, [...claims]])),
    },
    // Pages of public clients get their tokens by themselves, at the origins that they may be sent back to.
    clientBasedCORS: (_, origin, client) => client.clientAuthMethod === 'none' && isOriginOf(client, origin),
    responseTypes: ['code'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: seconds(accessTokenTtlMs),
      AuthorizationCode: CODE_S,
      Grant: seconds(longestMs(options)),
      IdToken: seconds(accessTokenTtlMs),
      Interaction: seconds(INTERACTION_MS),
      RefreshToken: seconds(refreshTokenTtlMs),
      Session: seconds(sessionTtlMs),
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: false },
      // Its own tokens only; for others the answer says nothing (RFC 7009 2.1).
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => setPage(ctx, 'Sign out', logoutBody(form)),
        postLogoutSuccessSource: (ctx) => setPage(ctx, 'Signed out', signedOutBody()),
      },
    },
    interactions: {
      url: (_, interaction) => `${path}${INTERACTION}/${interaction.uid}`,
      policy: policyOf(oidc),
    },
    renderError: (ctx, { error, error_description }) =>
      setPage(ctx, 'Sign-in failed', errorBody(error, error_description)),
    findAccount: async (ctx, sub, token) => {
      const login = await loginOf(parts, ctx, token);
      if (!login || subjectOf(login) !== sub) return undefined;
      return { accountId: sub, claims: () => claimsOf(options, login) };
    },
    loadExistingGrant: (ctx) => grantFor(ctx, logins),
  };
}

const isOriginOf = (
  { redirectUris = [] }: { readonly redirectUris?: readonly string[] | undefined },
  origin: string,
): boolean => redirectUris.some((uri) => uri.startsWith('http') && new URL(uri).origin === origin);

async function claimsOf({ claimsOf }: XlockOidcOptions, { did, userId }: SsoLogin): Promise<AccountClaims> {
  const more = claimsOf
    ? await claimsOf({ did, userId })
    : given({ preferred_username: userId || undefined });
  return { ...more, sub: subjectOf({ did, userId }) };
}

/** The login that a request is of: of the token's grant, of the approval that it resumes with, or of the session. */
async function loginOf(
  { logins, approvedIn }: ConfigurationParts,
  ctx: KoaContextWithOIDC,
  token: { readonly grantId?: string | undefined } | undefined,
): Promise<SsoLogin | undefined> {
  if (token) return token.grantId === undefined ? undefined : logins.ofGrant(token.grantId);
  const session = ctx.oidc.session;
  if (!session) return undefined;
  const approved = await approvedIn(ctx);
  if (approved) await logins.begin(session.uid, approved);
  return logins.ofSession(session.uid);
}

/** All services are the operator's own: what they ask for is granted, for this login. A new login gets new grants. */
async function grantFor(ctx: KoaContextWithOIDC, logins: Logins) {
  const { session, client, account, provider } = ctx.oidc;
  if (!session || !client || !account) return undefined;
  const login = await logins.ofSession(session.uid);
  if (!login) return undefined;
  const scope = String(ctx.oidc.params?.['scope'] ?? '');
  const known = session.grantIdFor(client.clientId);
  const before = known === undefined ? undefined : await provider.Grant.find(known);
  const isOfThis = known !== undefined && (await logins.ofGrant(known))?.id === login.id;
  const grant =
    before && isOfThis
      ? before
      : new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  await logins.grant(grantId, login);
  return grant;
}

/** Asks for a login, too, where the one of the session was revoked. */
function policyOf({ interactionPolicy }: OidcModule) {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy.get('login')?.checks.add(
    new Check('login_over', 'End-User authentication is required', 'login_required', (ctx) => {
      const { session, account } = ctx.oidc;
      return session?.accountId !== undefined && account === undefined
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT;
    }),
  );
  return policy;
}

function setPage(ctx: KoaContextWithOIDC, title: string, body: string): void {
  ctx.type = 'html';
  ctx.set(pageHeaders());
  ctx.body = pageText(title, body);
}
