import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OperationsStore } from '@private.me/xlink';
import { XlockError } from '../../errors.js';
import { sha256, toBase64url } from '../../util/bytes.js';
import { cookieIn, cookieLine } from '../../web/cookies.js';
import { addressAndBrowser, clippedMetadata } from '../../web/metadata.js';
import { escapeMarkup, sendPage, sendSignInPage } from '../../web/page.js';
import { Approvals, bindingOf, browserSecret } from '../approvals.js';
import { epochOf, stillHolds, subjectOf } from '../holds.js';
import { assertOwnPage, redirect, userIdIn } from '../requests.js';
import { SIGN_IN_MS } from './accept.js';
import type { Entities } from './entities.js';
import { NAME_ID_FORMATS, type SamlServiceProvider, type XlockSamlOptions } from './options.js';
import { failureResponse, successResponse } from './response.js';
import type { SamlSignIn, SignIns } from './sign-ins.js';

const SESSION = 'xlock_saml';
const SUBMIT = "document.getElementById('post').submit()";

/** The pages of a sign-in: asking for an approval, and the form that takes the response to the service. */
export class SamlPages {
  readonly #options: XlockSamlOptions;
  readonly #signIns: SignIns;
  readonly #entities: Entities;
  readonly #approvals: Approvals;
  readonly #now: () => number;
  readonly #base: string;

  constructor(
    options: XlockSamlOptions,
    store: OperationsStore,
    now: () => number,
    signIns: SignIns,
    entities: Entities,
  ) {
    const { verifier, url, waitMs = 25_000, deviceLink } = options;
    this.#options = options;
    this.#signIns = signIns;
    this.#entities = entities;
    this.#now = now;
    this.#base = `${new URL(url).pathname.replace(/\/$/, '')}/sign-in`;
    this.#approvals = new Approvals({
      verifier,
      store,
      kind: 'xlock-saml-approval',
      ttlMs: SIGN_IN_MS,
      waitMs,
      now,
      deviceLink,
    });
  }

  /** Removes what is over. */
  sweep(): Promise<void> {
    return this.#approvals.sweep();
  }

  /** The page of a sign-in; who is signed in already goes on at once, unless the service wants a new approval. */
  async page(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const { verifier } = this.#options;
    const signIn = await this.#signIns.open(
      id,
      browserOf(browserSecret(request, response, verifier), id),
      true,
    );
    if (!signIn.outcome && !signIn.forceAuthn) {
      const session = await verifier.verifySession(
        cookieIn(request, SESSION, verifier.origin.startsWith('https:')),
      );
      if (session.ok) {
        const { createdAt: at, until: sessionUntil, did, userId, deviceId } = session.value;
        const epoch = await epochOf(verifier, did);
        await this.#signIns.end(id, { login: { did, userId, deviceId, at, epoch, sessionUntil } });
        return redirect(response, `${this.#base}/${id}/finish`);
      }
      if (session.error.id !== 'SESSION_INVALID') throw session.error;
    }
    if (!signIn.outcome && signIn.isPassive) await this.#signIns.end(id, { failure: 'NoPassive' });
    if (signIn.outcome || signIn.isPassive) return redirect(response, `${this.#base}/${id}/finish`);
    sendSignInPage(response, {
      base: `${this.#base}/${id}`,
      service: nameOf(this.#providerOf(signIn)),
      origin: verifier.origin,
      userId: '',
    });
  }

  /** What the page asks for. Throws `CHALLENGE_…`, `RESPONSE_…` or `REQUEST_INVALID…`. */
  async step(request: IncomingMessage, response: ServerResponse, id: string, step: string): Promise<object> {
    const { verifier } = this.#options;
    assertOwnPage(request, verifier.origin);
    const signIn = await this.#signIns.open(
      id,
      browserOf(browserSecret(request, response, verifier), id),
      false,
    );
    const next = `${this.#base}/${id}/finish`;
    if (step === 'cancel') {
      await this.#signIns.end(id, { failure: 'AuthnFailed' });
      return { next };
    }
    if (step === 'login')
      return this.#approvals.begin(request, response, id, {
        userId: await userIdIn(request),
        action: `Sign in to ${nameOf(this.#providerOf(signIn))}`,
        metadata: clippedMetadata((this.#options.metadataOf ?? addressAndBrowser)(request)),
      });
    const who = await this.#approvals.wait(request, response, id);
    if (!who) return { state: 'pending' };
    if (!signIn.outcome) {
      const epoch = await epochOf(verifier, who.did); // first: what is ended meanwhile is over
      const { token, session } = await verifier.beginSession(who);
      const { createdAt: at, until: sessionUntil, did, userId, deviceId } = session;
      await this.#signIns.end(id, { login: { did, userId, deviceId, at, epoch, sessionUntil } });
      const seconds = Math.floor((sessionUntil - at) / 1000);
      const isSecure = verifier.origin.startsWith('https:');
      response.appendHeader('set-cookie', cookieLine(SESSION, token, seconds, isSecure));
    }
    return { state: 'approved', next };
  }

  /** The form that takes the response to the service, once. */
  async finish(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const { verifier } = this.#options;
    await this.#signIns.open(id, browserOf(browserSecret(request, response, verifier), id), false);
    const signIn = await this.#signIns.take(id);
    const provider = this.#providerOf(signIn);
    const saml = await this.#response(signIn, provider);
    const field = (name: string, value: string) =>
      `<input type="hidden" name="${name}" value="${escapeMarkup(value)}">`;
    const body = `<h1>Signing in</h1><form id="post" method="post" action="${escapeMarkup(signIn.acsUrl)}">${field('SAMLResponse', saml)}${signIn.relayState === '' ? '' : field('RelayState', signIn.relayState)}<noscript><button type="submit">Continue to ${escapeMarkup(nameOf(provider))}</button></noscript></form>`;
    sendPage(response, { title: 'Signing in', body, script: SUBMIT });
  }

  async #response(
    { outcome, requestId, acsUrl, context }: SamlSignIn,
    provider: SamlServiceProvider,
  ): Promise<string> {
    const {
      verifier,
      url,
      nameIdOf,
      attributesOf,
      assertionTtlMs = 300_000,
      clockSkewMs = 60_000,
    } = this.#options;
    const now = this.#now();
    const head = { issuer: `${url}/metadata`, acsUrl, inResponseTo: requestId, now };
    const login = outcome && 'login' in outcome ? outcome.login : undefined;
    if (!login || !(await stillHolds(verifier, login))) {
      const failure = outcome && 'failure' in outcome ? outcome.failure : 'AuthnFailed';
      return this.#entities.signed(provider, acsUrl, failureResponse(head, failure), false);
    }
    const account = { did: login.did, userId: login.userId };
    const text = successResponse(head, {
      audience: provider.entityId,
      nameId: nameIdOf ? await nameIdOf(account, provider.entityId) : subjectOf(account),
      nameIdFormat: NAME_ID_FORMATS[provider.nameIdFormat ?? 'unspecified'],
      context,
      authnAt: login.at,
      sessionUntil: login.sessionUntil,
      notBefore: now - clockSkewMs,
      notOnOrAfter: now + assertionTtlMs,
      attributes: attributesOf ? await attributesOf(account, provider.entityId) : {},
    });
    await this.#tell(login.did, provider);
    return this.#entities.signed(provider, acsUrl, text, true);
  }

  async #tell(from: string, { entityId }: SamlServiceProvider): Promise<void> {
    try {
      await this.#options.audit?.append({
        type: 'xlock-sso',
        from,
        data: { client: entityId, protocol: 'saml' },
      });
    } catch (cause) {
      throw new XlockError('AUDIT_UNAVAILABLE', { cause });
    }
  }

  #providerOf({ entityId }: SamlSignIn): SamlServiceProvider {
    const provider = this.#options.serviceProviders.find((one) => one.entityId === entityId);
    if (!provider) throw new XlockError('REQUEST_INVALID', { field: 'Issuer' });
    return provider;
  }
}

const nameOf = ({ name, acsUrls }: SamlServiceProvider): string => name ?? new URL(acsUrls[0]!).host;

const browserOf = (secret: string, id: string): string => toBase64url(sha256(bindingOf(secret, id)));
