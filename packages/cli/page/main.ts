// The script of the acceptance page: makes an identity in the browser, and accepts the invite in the fragment of the address with it.
import { acceptInvite, readInvite, XlinkError } from '@private.me/xlink';
import { BaseAgent } from '@private.me/xlink/client';

const element = <E extends HTMLElement = HTMLElement>(id: string): E => document.getElementById(id) as E;
const status = element('status');

async function show(): Promise<void> {
  const terms = await readInvite(location.href);
  // Signed by the one who invites: where else its acceptance would go, this page has not come from.
  if (`${terms.url.replace(/\/+$/, '')}/invite` !== location.origin + location.pathname)
    throw new Error('This invite is for another address: open its own link.');
  element('title').textContent = `${shortName(terms.name)} invites you`;
  element('from').textContent = terms.from;
  element('address').textContent = terms.url;
  element<HTMLTimeElement>('until').dateTime = terms.expiresAt.toISOString();
  element('until').textContent = terms.expiresAt.toLocaleString();
  list('scopes', terms.scopes);
  list('receives', terms.receives);
  element('terms').hidden = false;
  if (terms.expiresAt.getTime() <= Date.now()) throw new Error('This invite has expired: ask for a new one.');
  status.textContent = 'Your identity is made in this browser; its key stays with you.';
  element('accept').addEventListener('click', () => void accept().catch(fail));
}

/** A name is what the one who invites says of itself: in quotes, and no longer than a line. */
const shortName = (name: string | undefined): string => {
  if (name === undefined) return 'A service';
  const characters = [...name];
  return `“${characters.length > 40 ? `${characters.slice(0, 40).join('')}…` : name}”`;
};

function list(id: string, scopes: readonly string[]): void {
  const items = scopes.length === 0 ? ['nothing'] : scopes;
  element(id).replaceChildren(
    ...items.map((scope) => Object.assign(document.createElement('li'), { textContent: scope })),
  );
}

async function accept(): Promise<void> {
  const button = element<HTMLButtonElement>('accept');
  button.disabled = true;
  status.textContent = 'Connecting…';
  try {
    const agent = await BaseAgent.quickstart();
    await acceptInvite(agent, location.href);
    const base64 = btoa(String.fromCharCode(...(await agent.exportPKCS8())));
    const pem = `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
    element('did').textContent = agent.did;
    element<HTMLAnchorElement>('download').href = URL.createObjectURL(
      new Blob([pem], { type: 'application/x-pem-file' }),
    );
    element('result').hidden = false;
    button.hidden = true;
    status.textContent = 'Accepted: each of you is in the registry of the other.';
  } finally {
    button.disabled = false;
  }
}

function fail(error: unknown): void {
  const { message } = error as Error;
  status.textContent = error instanceof XlinkError ? error.title : message;
}

show().catch(fail);
