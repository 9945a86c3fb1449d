import type { Schema } from '@private.me/xlink/http-api';
import { ROLES } from './roles.js';

// Schemas that several routes have in common.

/** `did:key` of an Ed25519 key. */
export const DID = {
  type: 'string',
  pattern: '^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$',
  description: 'a did:key of an Ed25519 key',
} as const satisfies Schema;

export const SCOPE = {
  type: 'string',
  pattern: '^(\\*|[A-Za-z0-9:._/-]{1,128})$',
  description: 'a scope of 1-128 characters of A-Z a-z 0-9 : . _ / -, or *',
} as const satisfies Schema;

export const SCOPES = { type: 'array', items: SCOPE, maxItems: 100 } as const satisfies Schema;

export const NAME = {
  type: 'string',
  pattern: '^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,128}$',
  description: '1-128 printable characters',
} as const satisfies Schema;

/** A word of why, which people read. */
export const REASON = {
  type: 'string',
  pattern: '^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,256}$',
  description: '1-256 printable characters',
} as const satisfies Schema;

export const ROLE = { type: 'string', enum: ROLES } as const satisfies Schema;

/** Milliseconds since 1970. */
export const TIME = {
  type: 'integer',
  minimum: 0,
  description: 'milliseconds since 1970-01-01T00:00:00Z',
} as const satisfies Schema;

/** An envelope, key record or registry entry: the library checks what is in it. */
export const ANY_OBJECT = { type: 'object', additionalProperties: true } as const satisfies Schema;

export const OK = {
  title: 'Done',
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
} as const satisfies Schema;

/** Base64url without padding, of so many bytes. */
export const bytes = (min: number, max = min) =>
  ({
    type: 'string',
    pattern: `^[A-Za-z0-9_-]{${Math.ceil((min * 4) / 3)},${Math.ceil((max * 4) / 3)}}$`,
    description: `${min === max ? min : `${min}-${max}`} bytes as base64url without padding`,
  }) as const satisfies Schema;
