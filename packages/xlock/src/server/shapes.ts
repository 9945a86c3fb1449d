import { ROLES, type Schema } from '@private.me/xlink/http-api';

export const DID = {
  type: 'string',
  pattern: '^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$',
  description: 'a did:key of an Ed25519 key',
} as const satisfies Schema;
/** Of a passkey: one of ours, or one of a browser. */
export const PASSKEY = {
  type: 'string',
  pattern: '^(did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}|webauthn:[A-Za-z0-9_-]{43})$',
  description: 'the DID of a passkey, or `webauthn:` and its hash for one of a browser',
} as const satisfies Schema;
export const DEVICE = {
  type: 'string',
  pattern: '^(did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}|webauthn:[A-Za-z0-9_-]{43}|message:[A-Za-z0-9_-]{22})$',
  description: 'the id of a device, as the passkey lists it',
} as const satisfies Schema;
export const ID = {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]{22}$',
  description: 'the id of a challenge, 22 characters',
} as const satisfies Schema;
export const TEXT = {
  type: 'string',
  pattern: '^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,200}$',
  description: '1-200 printable characters',
} as const satisfies Schema;
export const TIME = { type: 'integer', minimum: 0, description: 'ms since 1970' } as const satisfies Schema;
export const ROLE = { type: 'string', enum: ROLES } as const satisfies Schema;
export const ANY = { type: 'object', additionalProperties: true } as const satisfies Schema;
export const OK = {
  title: 'Done',
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
} as const satisfies Schema;
export const DONE = { status: 200, description: 'It is done', schema: OK } as const;
