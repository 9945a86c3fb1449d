import type { Schema } from '@private.me/xlink/http-api';
import { MLS_SUITES } from '../suites.js';
import { LIMITS } from './wire.js';

// Schemas of the routes; they are in the OpenAPI document of the server.

export const DID: Schema = {
  type: 'string',
  pattern: '^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$',
  description: 'a did:key of an Ed25519 key',
};
export const GROUP_ID: Schema = {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]{22}$',
  description: '16 bytes as base64url without padding',
};
export const SUITE: Schema = { type: 'string', enum: Object.keys(MLS_SUITES) };
export const COUNT: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
export const DIDS: Schema = { type: 'array', items: DID, maxItems: LIMITS.members };
const BOOLEAN: Schema = { type: 'boolean' };

/** Base64url of at most so many bytes. */
export const upTo = (bytes: number): Schema => ({
  type: 'string',
  pattern: '^[A-Za-z0-9_-]+$',
  minLength: 2,
  maxLength: Math.ceil((bytes * 4) / 3),
  description: `an MLSMessage (RFC 9420, 6) of at most ${bytes} bytes as base64url`,
});

const object = (
  title: string,
  properties: Record<string, Schema>,
  optional: readonly string[] = [],
): Schema => ({
  title,
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

const KEY_PACKAGE = upTo(LIMITS.keyPackageBytes);

export const NEW_KEY_PACKAGES = object(
  'NewMlsKeyPackages',
  {
    suite: SUITE,
    packages: { type: 'array', items: KEY_PACKAGE, maxItems: 100 },
    lastResort: KEY_PACKAGE,
    replace: BOOLEAN,
  },
  ['lastResort', 'replace'],
);
export const WAITING = object('WaitingMlsKeyPackages', { waiting: COUNT });
export const TAKE = object('TakeMlsKeyPackage', { suite: SUITE });
export const TAKEN = object('MlsKeyPackage', { keyPackage: KEY_PACKAGE, lastResort: BOOLEAN });
export const NEW_GROUP = object(
  'NewMlsGroup',
  { group: GROUP_ID, suite: SUITE, groupInfo: upTo(LIMITS.welcomeBytes) },
  ['groupInfo'],
);
export const GROUP = object('MlsGroup', {
  group: GROUP_ID,
  suite: SUITE,
  epoch: COUNT,
  seq: COUNT,
  members: DIDS,
  externalJoin: BOOLEAN,
});
export const COMMIT = object(
  'MlsCommit',
  {
    epoch: COUNT,
    commit: upTo(LIMITS.commitBytes),
    added: DIDS,
    removed: DIDS,
    welcome: upTo(LIMITS.welcomeBytes),
    groupInfo: upTo(LIMITS.welcomeBytes),
    external: BOOLEAN,
  },
  ['welcome', 'groupInfo', 'external'],
);
export const POST = object('MlsPost', {
  kind: { type: 'string', enum: ['message', 'proposal'] },
  epoch: COUNT,
  message: upTo(LIMITS.messageBytes),
});
export const ENTRY = object('MlsLogEntry', {
  seq: COUNT,
  kind: { type: 'string', enum: ['commit', 'proposal', 'message'] },
  epoch: COUNT,
  by: DID,
  at: COUNT,
  data: { type: 'string' },
});
export const LOG = object('MlsLog', {
  entries: { type: 'array', items: ENTRY, maxItems: LIMITS.entriesAtOnce },
});
export const WELCOME = object('MlsWelcome', { welcome: { type: 'string' } });
export const INFO = object('MlsGroupInfo', { groupInfo: { type: 'string' } });
const INVITATION = object('MlsInvitation', {
  id: COUNT,
  group: GROUP_ID,
  server: { type: 'string', maxLength: 2048 },
  by: DID,
  seq: COUNT,
});
export const INVITATIONS = object('MlsInvitations', {
  invitations: { type: 'array', items: INVITATION, maxItems: LIMITS.invitations },
});
export const INVITE = object('MlsInvite', {
  to: DID,
  group: GROUP_ID,
  server: { type: 'string', maxLength: 2048 },
  seq: COUNT,
});
export const SEEN = object('MlsInvitationsSeen', {
  ids: { type: 'array', items: COUNT, maxItems: LIMITS.invitations },
});
export const NEWS = object('MlsNews', {
  groups: { type: 'array', items: GROUP_ID },
  invitations: BOOLEAN,
});
export const DONE = object('MlsDone', { ok: BOOLEAN });
