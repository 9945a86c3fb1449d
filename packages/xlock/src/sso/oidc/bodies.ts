import { escapeMarkup } from '../../web/page.js';

/** What the page of an error says; nothing of it is markup. */
export const errorBody = (error: unknown, description: unknown): string =>
  `<h1>Sign-in failed</h1><p>${escapeMarkup(String(description ?? 'The request is not in form.'))}</p>
<p class="note">${escapeMarkup(String(error ?? 'invalid_request'))}. Go back to the service, and begin anew.</p>`;

/** Asks before a session ends. `form` is that of oidc-provider: it holds what proves that this page was shown. */
export const logoutBody = (form: string): string =>
  `<h1>Sign out</h1><p>Do you want to sign out here, too?</p>${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
<button type="submit" form="op.logoutForm" class="plain">Stay signed in</button>`;

/** The session is over. */
export const signedOutBody = (): string => '<h1>Signed out</h1><p>You can close this page.</p>';
