import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Result } from '@private.me/xlink';
import { XlockError } from '../errors.js';
import type { XlockSession } from '../verifier/sessions.js';
import type { VerifiedAuth, VerifiedRegistration } from '../verifier/verifier.js';
import { bodyOf, sendJson } from './exchange.js';

/** The part of `WebauthnVerifier` of `@private.me/xlock/webauthn` that the gate uses. */
export interface WebauthnLogins {
  /** For `navigator.credentials.create`. */
  registrationOptions(request: { readonly userId: string; readonly binding: string }): Promise<unknown>;
  /** Takes what that gave. */
  verifyRegistration(
    response: unknown,
    options: { readonly binding: string },
  ): Promise<Result<VerifiedRegistration, XlockError>>;
  /** For `navigator.credentials.get`. */
  authenticationOptions(request: { readonly binding: string }): Promise<unknown>;
  /** Takes what that gave. */
  verifyAuthentication(
    response: unknown,
    options: { readonly binding: string },
  ): Promise<Result<VerifiedAuth, XlockError>>;
}

/** What the gate lends to its routes for passkeys of browsers. */
export interface WebauthnExchange {
  readonly webauthn: WebauthnLogins;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The secret of the browser that its cookie has; empty: none. */
  readonly binding: string;
  /** The one that the browser has, or another one, which the answer gives it. */
  readonly bind: () => string;
  /** The session of the request. Throws `SESSION_INVALID`. */
  readonly session: () => Promise<XlockSession>;
  /** Begins a session, and puts it into a cookie. */
  readonly begin: (who: VerifiedAuth) => Promise<void>;
}

/** Answers `POST webauthn/…` of a page of the service. Throws `NOT_FOUND` for what is no such route, and what the login fails with. */
export async function answerWebauthn(route: string, exchange: WebauthnExchange): Promise<void> {
  const { webauthn, request, response, binding } = exchange;
  const body = await bodyOf(request);
  const offered = (options: unknown) => sendJson(response, 201, options);
  if (route === 'webauthn/login/options')
    return offered(await webauthn.authenticationOptions({ binding: exchange.bind() }));
  if (route === 'webauthn/login') {
    const verified = await webauthn.verifyAuthentication(body, { binding });
    if (!verified.ok) throw verified.error;
    await exchange.begin(verified.value);
    return sendJson(response, 200, { state: 'approved' });
  }
  const { userId } = await exchange.session(); // a passkey is added by who is logged in
  if (userId === '') throw new XlockError('SESSION_INVALID');
  if (route === 'webauthn/register/options')
    return offered(await webauthn.registrationOptions({ userId, binding: exchange.bind() }));
  if (route !== 'webauthn/register') throw new XlockError('NOT_FOUND');
  const registered = await webauthn.verifyRegistration(body, { binding });
  if (!registered.ok) throw registered.error;
  if (registered.value.userId !== userId) throw new XlockError('SESSION_INVALID');
  sendJson(response, 201, { did: registered.value.did });
}
