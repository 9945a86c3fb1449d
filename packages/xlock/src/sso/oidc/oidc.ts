import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryOperationsStore } from '@private.me/xlink';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { XlockError } from '../../errors.js';
import { sendProblem } from '../../web/exchange.js';
import { Approvals } from '../approvals.js';
import { loadPeer } from '../peer.js';
import { type SsoHandler, targetBelow } from '../requests.js';
import { Sweeping } from '../sweeping.js';
import { OidcStore } from './adapter.js';
import { INTERACTION, INTERACTION_MS, longestMs, oidcConfiguration } from './configuration.js';
import { checkJwks, oidcKeys } from './keys.js';
import { Logins } from './logins.js';
import { checkOidcOptions, type XlockOidcOptions } from './options.js';
import { SignIn } from './sign-in.js';

/** An OpenID provider. */
export interface XlockOidc {
  /** Answers what is below the path of the issuer: `createServer(oidc.handler)`, or `app.use(oidc.handler)` before any parser of bodies. */
  readonly handler: SsoHandler;
}

/**
 * An OpenID provider (OpenID Connect Core 1.0, code flow with PKCE S256) whose login is an approval on a device, on the package `oidc-provider`
 * 9, which has to be installed. `sub` is the account as it was registered, or the DID of the passkey where it has no name. Sessions, codes and
 * tokens end in the moment in which the passkey or the device that approved is revoked. Rejects with `INVALID_OPTION` or `STORE_UNAVAILABLE`.
 */
export async function xlockOidc(options: XlockOidcOptions): Promise<XlockOidc> {
  checkOidcOptions(options);
  const jwks = checkJwks(options.jwks);
  const { verifier, issuer, store = new MemoryOperationsStore(), waitMs = 25_000, audit } = options;
  const oidc = await loadPeer('oidc-provider', '9', () => import('oidc-provider'));
  const now = Date.now; // as oidc-provider has it
  const approvals = new Approvals({
    verifier,
    store,
    kind: 'xlock-oidc-approval',
    ttlMs: INTERACTION_MS,
    waitMs,
    now,
    deviceLink: options.deviceLink,
  });
  const { sessionTtlMs: sessionMs = 86_400_000 } = options;
  const logins = new Logins({ verifier, store, now, sessionMs, longestMs: longestMs(options) });
  const refuse = (description: string) => new oidc.errors.InvalidGrant(description);
  const kept = new OidcStore({ store, refuse, now, longestMs: longestMs(options) });

  async function approvedIn(ctx: KoaContextWithOIDC) {
    const { result, entities } = ctx.oidc as unknown as {
      readonly result?: { readonly login?: object };
      readonly entities: { readonly Interaction?: { readonly uid: string } };
    };
    if (!result?.login || !entities.Interaction) return undefined;
    const who = await approvals.approved(entities.Interaction.uid);
    if (who) await tell(who.did, ctx.oidc.client?.clientId);
    return who;
  }

  async function tell(from: string, client: string | undefined): Promise<void> {
    try {
      await audit?.append({ type: 'xlock-sso', from, data: { client: client ?? '', protocol: 'oidc' } });
    } catch (cause) {
      throw new XlockError('AUDIT_UNAVAILABLE', { cause });
    }
  }

  const keys = await oidcKeys(store, jwks);
  const adapter = (model: string) => kept.adapter(model);
  const provider = new oidc.Provider(
    issuer,
    oidcConfiguration(oidc, { options, keys, adapter: adapter as never, logins, approvedIn }),
  );
  provider.proxy = true; // the headers below are ours
  const signIn = new SignIn(provider, approvals, options);
  const sweeping = new Sweeping(now, [approvals, logins, kept]);
  const { host, protocol, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const answer = provider.callback();

  return {
    handler(request: IncomingMessage, response: ServerResponse, next) {
      const target = targetBelow(request, path);
      if (target === undefined) {
        if (next) return next();
        return sendProblem(response, new XlockError('NOT_FOUND'));
      }
      if (target.startsWith(`${INTERACTION}/`)) {
        sweeping.begin();
        const route = target.split('?')[0]!.slice(INTERACTION.length);
        return void signIn.answer(request, response, route);
      }
      // Addresses are those of the issuer, whatever a request or a proxy before it says.
      const { headers } = request;
      for (const name of Object.keys(headers)) if (name.startsWith('x-forwarded-')) delete headers[name];
      headers.host = host;
      headers['x-forwarded-proto'] = protocol.slice(0, -1);
      Object.assign(request, { originalUrl: path + target, baseUrl: path, url: target });
      void answer(request, response);
    },
  };
}
