import { BROWNOUT_CALENDAR_PATH } from '../../http/own-routes.js';
import type { Brownout } from './brownouts.js';

/** What the page says beside the times. */
export interface BrownoutPageText {
  /** The name of the API, as its callers know it. */
  readonly name: string;
  /** When keys stop working for good. */
  readonly sunset?: Date | undefined;
  /** Where callers read on. */
  readonly migrationUrl?: string | undefined;
}

/** Runs no script and loads nothing. */
export const BROWNOUT_PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const escaped = (value: string): string =>
  value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const time = (date: Date): string => {
  const iso = date.toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
};

/** A page for callers: when keys will be refused for a while, and what to do. */
export function brownoutPage(
  brownouts: readonly Brownout[],
  { name, sunset, migrationUrl }: BrownoutPageText,
): string {
  const title = `${escaped(name)}: times in which API keys are refused`;
  const rows = brownouts
    .map(({ from, until }) => `<tr><td>${time(from)}</td><td>${time(until)}</td></tr>`)
    .join('\n');
  const table = `<table><thead><tr><th scope="col">from</th><th scope="col">until</th></tr></thead><tbody>\n${rows}\n</tbody></table>`;
  const more = migrationUrl
    ? `<p>How to move: <a href="${escaped(migrationUrl)}">${escaped(migrationUrl)}</a></p>`
    : '';
  const end = sunset ? `<p>API keys stop working for good on ${time(sunset)}.</p>` : '';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}td,th{padding:.25rem 1.5rem .25rem 0;text-align:left}</style>
</head><body><main><h1>${title}</h1>
<p>In these times requests with an API key are answered with 401 and the code <code>API_KEY_BROWNOUT</code>, so that whoever still uses a key notices. Requests by xLink are served as always.</p>
${brownouts.length > 0 ? table : '<p>None is planned.</p>'}
${end}${more}
<p><a href="${BROWNOUT_CALENDAR_PATH}">As a calendar (.ics)</a></p>
</main></body></html>
`;
}
