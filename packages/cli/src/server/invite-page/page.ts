import { readFile } from 'node:fs/promises';

export { PAGE_STYLE } from '@private.me/xlink/http-api';

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

/**
 * The page is the same for every invite: the code is in the fragment of the link, which no server is sent. Its script reads it, verifies who
 * signed it, and shows what it says.
 */
export const INVITE_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>xLink invite</title>
<link rel="stylesheet" href="/invite/page.css">
</head>
<body>
<main>
<p class="brand">xLink</p>
<h1 id="title">An xLink invite</h1>
<p id="status" role="status">Reading the invite…</p>
<section id="terms" hidden>
<h2>You may send</h2>
<ul id="scopes"></ul>
<h2>They may send you</h2>
<ul id="receives"></ul>
<p><button id="accept" type="button" hidden>Accept</button></p>
<dl>
<dt>Who invites</dt><dd><code id="from"></code></dd>
<dt>Address</dt><dd id="address"></dd>
<dt>Good until</dt><dd><time id="until"></time></dd>
</dl>
</section>
<section id="identity" hidden>
<h2>Your identity</h2>
<p><code id="did"></code></p>
<p><a id="download" download="xlink-identity.pem">Save your identity</a>: who has this file is you. <span id="kept"></span></p>
<p><button id="forget" type="button" class="plain" hidden>I have saved it: remove it from this browser</button></p>
</section>
<section id="result" hidden>
<h2>What to do next</h2>
<p>Keep the file where only you can read it, and use it:</p>
<pre><code>chmod 600 xlink-identity.pem
npx @private.me/xlink keys import xlink-identity.pem --name my-service</code></pre>
</section>
<noscript><p>Accept it on the command line: <code>npx @private.me/xlink accept XLK-…</code></p></noscript>
</main>
<script type="module" src="/invite/page.js"></script>
</body>
</html>
`;

/** Made by the build. From its sources the server takes that of the package that was built. */
const SCRIPT = import.meta.url.endsWith('.ts')
  ? '../../../dist/server/invite-page/page.bundle.js'
  : './page.bundle.js';

/** The script of the page, with the parts of the library that it uses. */
export const pageScript = (): Promise<string> => readFile(new URL(SCRIPT, import.meta.url), 'utf8');
