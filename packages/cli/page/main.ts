// The script of the acceptance page: makes an identity in the browser, and accepts the invite in the fragment of the address with it.
import { acceptInvite, type InviteTerms, readInvite, XlinkError } from '@private.me/xlink';
import { BaseAgent } from '@private.me/xlink/client';
import { forget, keep, keptFor } from './kept-identity.js';

const element = <E extends HTMLElement = HTMLElement>(id: string): E => document.getElementById(id) as E;
const status = element('status');
const code = decodeURIComponent(location.hash.slice(1));

async function show(): Promise<void> {
  const terms = await readInvite(location.href);
  // Signed by the one who invites: where else its acceptance would go, this page has not come from.
  if (`${terms.url.replace(/\/+$/, '')}/invite` !== location.origin + location.pathname)
    throw new Error('This invite is for another address: open its own link.');
  element('title').textContent = `${shortName(terms.name)} invites you`;
  element('from').textContent = terms.from;
  element('address').textContent = terms.url;
  element<HTMLTimeElement>('until').dateTime = terms.expiresAt.toISOString();
  element('until').textContent = terms.expiresAt.toLocaleString(undefined, {
    dateStyle: 'long',
    timeStyle: 'short',
  });
  list('scopes', terms.scopes);
  list('receives', terms.receives);
  element('terms').hidden = false;
  const kept = await keptFor(code);
  if (!kept && terms.expiresAt.getTime() <= Date.now())
    throw new Error('This invite has expired: ask for a new one.');
  const agent = await identityFor(kept?.pkcs8);
  const pkcs8 = btoa(String.fromCharCode(...(await agent.exportPKCS8())));
  const isKept = await keep(code, { pkcs8, isAccepted: kept?.isAccepted ?? false });
  offer(agent.did, pkcs8, isKept);
  if (kept?.isAccepted) return connected(terms);
  element('accept').hidden = false;
  status.textContent = 'Your identity was made in this browser; its key stays with you.';
  element('accept').addEventListener('click', () => void accept(terms, agent, pkcs8).catch(fail));
}

/** A name is what the one who invites says of itself: in quotes, and no longer than a line. */
function shortName(name: string | undefined): string {
  if (name === undefined) return 'A service';
  const characters = [...name];
  return `“${characters.length > 40 ? `${characters.slice(0, 40).join('')}…` : name}”`;
}

function list(id: string, scopes: readonly string[]): void {
  if (scopes.length === 0) {
    element(id).replaceWith(
      Object.assign(document.createElement('p'), { id, className: 'none', textContent: 'Nothing' }),
    );
    return;
  }
  element(id).replaceChildren(
    ...scopes.map((scope) => Object.assign(document.createElement('li'), { textContent: scope })),
  );
}

/** The one that was made at an earlier visit, or a new one. */
async function identityFor(pkcs8: string | undefined): Promise<BaseAgent> {
  if (pkcs8 === undefined) return BaseAgent.quickstart();
  const bytes = Uint8Array.from(atob(pkcs8), (character) => character.charCodeAt(0));
  const made = await BaseAgent.importIdentity({ pkcs8: bytes });
  if (!made.ok) throw made.error;
  return made.value;
}

/** The file, before anything depends on it. */
function offer(did: string, pkcs8: string, isKept: boolean): void {
  const pem = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  const file = URL.createObjectURL(new Blob([pem], { type: 'application/x-pem-file' }));
  element<HTMLAnchorElement>('download').href = file;
  element('did').textContent = did;
  element('kept').textContent = isKept
    ? 'Until then it is kept in this browser, and here only.'
    : 'This browser keeps nothing: save it before you accept, or it is lost with this page.';
  element('identity').hidden = false;
  element('forget').addEventListener('click', () => {
    void forget(code).then(() => {
      element('forget').hidden = true;
      element('kept').textContent = 'It is in this browser no more: the file is the only copy.';
    });
  });
}

async function accept(terms: InviteTerms, agent: BaseAgent, pkcs8: string): Promise<void> {
  const button = element<HTMLButtonElement>('accept');
  button.disabled = true;
  status.textContent = 'Connecting…';
  try {
    await acceptInvite(agent, location.href);
    await keep(code, { pkcs8, isAccepted: true });
    connected(terms);
  } finally {
    button.disabled = false;
  }
}

function connected(terms: InviteTerms): void {
  element('title').textContent =
    `You are connected to ${terms.name === undefined ? 'the service' : shortName(terms.name)}`;
  element('accept').hidden = true;
  element('forget').hidden = false;
  element('result').hidden = false;
  status.textContent = 'Accepted: each of you is in the registry of the other.';
}

function fail(error: unknown): void {
  const { message } = error as Error;
  status.className = 'bad';
  const isCut = error instanceof XlinkError && error.id === 'INVITATION_REFUSED:MALFORMED';
  const more = isCut ? ' Was the link cut? Copy all of it, from https to its end.' : '';
  status.textContent = (error instanceof XlinkError ? error.title : message) + more;
}

show().catch(fail);
