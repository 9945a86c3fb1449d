import type { Headers } from '../http/decision.js';

/** What the build makes of the sources in page/. */
export interface PageBundle {
  /** The document, cut where the title goes. */
  readonly PIECES: readonly string[];
  /** Of the one script and the one style in it, as a Content-Security-Policy names them. */
  readonly SCRIPT_HASH: string;
  readonly STYLE_HASH: string;
}

/** For every answer under the mount, whatever it is. */
export const GUARDED: Headers = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
};

/** For answers that are no page: nothing in them may do anything. */
export const INERT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Only the script and the style of the page run, only its own origin is asked, and it cannot be framed. */
export const pagePolicy = ({ SCRIPT_HASH, STYLE_HASH }: PageBundle): string =>
  [
    "default-src 'none'",
    `script-src '${SCRIPT_HASH}'`,
    `style-src '${STYLE_HASH}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** The whole page. Nothing but the title differs from one to the next. */
export const pageDocument = ({ PIECES }: PageBundle, title: string): string =>
  PIECES.join(title.replace(/[&<>"]/g, (character) => ENTITIES[character]!));
