import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeChallenge, type XlockChallenge } from '../challenge/challenge.js';
import { LINK_PATH, linksOf, readChallenge } from '../challenge/links.js';
import { XlockError } from '../errors.js';
import { approvalLink } from '../page/approval-page.js';
import type { XlockVerifier } from '../verifier/verifier.js';
import { escapeMarkup, sendPage } from './page.js';
import type { Target } from './target.js';

/** Whether a path is one that `links.https` of a challenge leads to. */
export const isLinkPath = (path: string): boolean => path.startsWith(`${LINK_PATH}/`);

/** What a link page is made of. */
export interface LinkPage {
  readonly verifier: XlockVerifier;
  readonly target: Target;
  readonly approvalPage: string | undefined;
}

/** The challenge in a link, if this service made it: anybody can sign one that names its address. Throws `CHALLENGE_INVALID…`. */
export async function ownChallenge(verifier: XlockVerifier, link: string): Promise<XlockChallenge> {
  const challenge = readChallenge(link);
  if (challenge.verifier !== (await verifier.did())) throw new XlockError('CHALLENGE_INVALID');
  return challenge;
}

/**
 * What a browser gets that opens `links.https`, such as that of a phone that scanned it: the approval page, or, where there is none, how to hand the link to an
 * approver. Throws `CHALLENGE_INVALID…` for what is no link of this service, and `NOT_FOUND` for other methods.
 */
export async function sendLinkPage(
  { method }: IncomingMessage,
  response: ServerResponse,
  { verifier, target, approvalPage }: LinkPage,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') throw new XlockError('NOT_FOUND');
  const { origin } = verifier;
  const challenge = await ownChallenge(verifier, origin + target.whole);
  if (approvalPage !== undefined) {
    const location = approvalLink(approvalPage, encodeChallenge(challenge));
    response
      .writeHead(303, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
      .end();
    return;
  }
  const { app } = linksOf(challenge);
  const what = challenge.kind === 'auth' ? 'Approve a login' : 'Register this device';
  const body = `
<h1>${what}</h1>
<p>at <strong>${escapeMarkup(new URL(origin).host)}</strong></p>
<p><a href="${escapeMarkup(app)}">Open in the app that approves</a></p>
<p>Nothing happens? Copy this link into the app or page with which you approve, or give it to <code>xlock ${challenge.kind === 'auth' ? 'approve' : 'register'}</code>:</p>
<p><textarea readonly rows="6" aria-label="Link">${escapeMarkup(app)}</textarea></p>
<p class="note">The link is good for some minutes. Nobody needs it but you.</p>`;
  sendPage(response, { title: what, body });
}
