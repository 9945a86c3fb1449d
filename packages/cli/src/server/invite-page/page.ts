import type { Did } from '@private.me/xlink';
import type { InviteInfo } from '../invites.js';

export { PAGE_SCRIPT } from './script.js';
export { PAGE_STYLE } from './style.js';

/** Nothing but its own two files, and its own server. */
export const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
} as const;

const STATES = {
  used: 'This invite was used. It is good for one identity: ask for a new one.',
  revoked: 'This invite was taken back.',
  expired: 'This invite has expired: ask for a new one.',
} as const;

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The page of one invite; without one, that there is none. */
export function invitePage({
  code,
  invite,
  server,
}: {
  readonly code: string;
  readonly invite: InviteInfo | undefined;
  readonly server: Did;
}): string {
  const body = invite ? ofInvite(invite, code, server) : '<h1>There is no such invite</h1><p>Check the link.</p>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>xLink invite</title>
<link rel="stylesheet" href="/invite/page.css">
<link rel="icon" href="data:,">
</head>
<body>
<main>
${body}
</main>
${invite?.state === 'open' ? '<script type="module" src="/invite/page.js"></script>' : ''}
</body>
</html>
`;
}

function ofInvite(invite: InviteInfo, code: string, server: Did): string {
  const { inviter, name, url, grants, asks, state, expiresAt, id } = invite;
  const list = (scopes: readonly string[], none: string) =>
    scopes.length === 0
      ? `<p>${none}</p>`
      : `<ul>${scopes.map((scope) => `<li><code>${escaped(scope)}</code></li>`).join('')}</ul>`;
  return `<h1>${escaped(name)} invites you</h1>
<dl>
<dt>Identity</dt><dd><code>${escaped(inviter)}</code></dd>
${url === undefined ? '' : `<dt>Service</dt><dd>${escaped(url)}</dd>`}
<dt>Good until</dt><dd><time datetime="${new Date(expiresAt).toISOString()}">${new Date(expiresAt).toUTCString()}</time></dd>
</dl>
<h2>You may send</h2>
${list(grants, 'Nothing yet: they can grant it later.')}
<h2>They may send you</h2>
${list(asks, 'Nothing.')}
${state === 'open' ? acceptPart(code, id, server) : `<p role="status">${STATES[state]}</p>`}`;
}

const acceptPart = (code: string, id: string, server: Did): string => `<p>
<button id="accept" type="button" data-code="${escaped(code)}" data-id="${escaped(id)}" data-server="${escaped(server)}">Accept</button>
</p>
<p id="status" role="status">Your identity is made in this browser, and its key stays with you.</p>
<section id="result" hidden>
<h2>You are connected</h2>
<p>Your identity: <code id="did"></code></p>
<p><a id="download" download="xlink-identity.pem">Save your identity</a>: whoever has this file is you.</p>
</section>
<p>On the command line: <code>xlink accept ${escaped(code)}</code></p>`;
