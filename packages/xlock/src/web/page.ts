import type { ServerResponse } from 'node:http';
import { sha256 } from '../util/bytes.js';
import { SCRIPT } from './page-script.js';
import { STYLE } from './page-style.js';

const hashOf = (text: string): string => `'sha256-${Buffer.from(sha256(text)).toString('base64')}'`;

/** A text as it stands in HTML and XML, also in an attribute. */
export const escapeMarkup = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Sends a page that runs nothing but `script`, loads nothing, is in no frame and not kept. */
export function sendPage(
  response: ServerResponse,
  { status = 200, title, body, script }: { status?: number; title: string; body: string; script?: string },
): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...pageHeaders(script) });
  response.end(pageText(title, body, script));
}

/** Headers of such a page. Where a form leads is not limited: browsers apply that to redirects behind it, too. */
export const pageHeaders = (script?: string): Record<string, string> => ({
  'content-security-policy': [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`, "connect-src 'self'"]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
});

/** The HTML of such a page; `title` is escaped, `body` is HTML. */
export const pageText = (title: string, body: string, script?: string): string =>
  `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(title)}</title><style>${STYLE}</style></head>
<body><main>${body}</main>${script === undefined ? '' : `<script>${script}</script>`}</body>
</html>`;

/** What the page of a sign-in shows. */
export interface SignInPage {
  /** Where its requests go: `base` and `/login`, then `/login/ID` where that names one, or `/state`, and `/cancel`. */
  readonly base: string;
  /** Name of the service that the user signs in to. */
  readonly service: string;
  /** Origin of this page: the device shows the same. */
  readonly origin: string;
  /** The account that the service suggests; may be empty. */
  readonly userId: string;
  /** Where the browser goes after the login, a path of this origin. Default: where the answers say, and the page can be canceled. */
  readonly next?: string;
}

/** Sends the page on which a user asks for an approval, and waits for it. */
export function sendSignInPage(response: ServerResponse, page: SignInPage): void {
  const [base, service, origin, userId, next] = [
    page.base,
    page.service,
    page.origin,
    page.userId,
    page.next ?? '',
  ].map(escapeMarkup);
  const body = `
<h1>Sign in</h1>
<p>to <strong>${service}</strong></p>
<noscript><p role="alert">This page needs JavaScript.</p></noscript>
<form id="ask" data-base="${base}" data-next="${next}">
<label for="user">Account</label>
<input id="user" name="userId" value="${userId}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="256" required>
<button type="submit">Continue</button>
</form>
<section id="wait" hidden>
<div id="matching"><p>Type these two digits on your device:</p><p id="digits" aria-live="polite"></p></div>
<p class="note">Approve only if the address bar shows <strong>${origin}</strong>.</p>
<p><a id="link" rel="noreferrer">Open on this device</a></p>
<details><summary>Scan with another device</summary>
<svg id="code" role="img" aria-label="QR code of the link"><path></path></svg></details>
<p class="note"><span id="left"></span></p>
</section>
<section id="problem" hidden role="alert"><p id="what"></p><p id="help" class="note"></p>
<button id="again" type="button">Try again</button></section>
${page.next === undefined ? '<button id="cancel" type="button" class="plain">Cancel</button>' : ''}`;
  sendPage(response, { title: `Sign in to ${page.service}`, body, script: SCRIPT });
}

/** Sends a page that says what went wrong, and nothing of the request. */
export function sendProblemPage(
  response: ServerResponse,
  { status, title, resolution }: { status: number; title: string; resolution: string },
): void {
  const body = `<h1>Sign-in failed</h1><p>${escapeMarkup(title)}</p><p class="note">${escapeMarkup(resolution)}</p>`;
  sendPage(response, { status, title: 'Sign-in failed', body });
}
