import { apiError } from '@private.me/xlink/http-api';
import { encodeChallenge } from '../challenge/challenge.js';
import { LINK_PATH } from '../challenge/links.js';
import { approvalLink } from '../page/approval-page.js';
import { ownChallenge } from '../web/link-page.js';
import { xlockRawRoute } from './kit.js';

const TEXT = { type: 'string' } as const;

/** Where `link` of a challenge leads a browser that no app catches it for. */
export const linkRoute = xlockRawRoute(
  {
    id: 'openLink',
    method: 'GET',
    path: `${LINK_PATH}/{kind}`,
    tag: 'Logins',
    summary: 'Leads the browser of the user to the approval page; 404 where the server has none',
    access: 'public',
    params: { kind: { type: 'string', enum: ['register', 'auth'] } },
    query: { service: TEXT, challenge: TEXT, did: TEXT, callback: TEXT },
    answer: { status: 303, description: 'The approval page, with the challenge behind #' },
    errors: ['CHALLENGE_INVALID', 'ROUTE_UNKNOWN'],
  },
  async (req, res, { server }) => {
    if (server.page === undefined) throw apiError('ROUTE_UNKNOWN');
    const challenge = await ownChallenge(server.verifier, server.verifier.origin + req.url);
    const Location = approvalLink(server.page, encodeChallenge(challenge));
    res.writeHead(303, { Location, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }).end();
  },
);
