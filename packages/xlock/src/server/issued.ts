import type { Schema } from '@private.me/xlink/http-api';
import type { IssuedChallenge } from '../verifier/issue.js';
import { ID, TIME } from './shapes.js';

const ISSUED = {
  title: 'Issued',
  type: 'object',
  properties: {
    id: ID,
    did: { type: 'string', description: 'the passkey, where it is known already' },
    match: { type: 'string', description: 'the two digits for the login page; empty without matching' },
    origin: { type: 'string' },
    respondBy: TIME,
    expiresAt: TIME,
    link: { type: 'string' },
    appLink: { type: 'string' },
    held: {
      type: 'string',
      enum: ['flood', 'paused'],
      description: 'why nothing was pushed; the link is good all the same',
    },
  },
  required: ['id', 'match', 'origin', 'respondBy', 'expiresAt', 'link', 'appLink'],
} as const satisfies Schema;

/** The answer of routes that make a challenge. */
export const issued = { status: 201, description: 'The challenge', schema: ISSUED } as const;

/** A challenge as these routes answer it. */
export const shown = ({ id, did, match, origin, respondBy, expiresAt, links, held }: IssuedChallenge) => ({
  id,
  ...(did === '' ? {} : { did }),
  match,
  origin,
  respondBy,
  expiresAt,
  link: links.https,
  appLink: links.app,
  ...(held === '' ? {} : { held }),
});
