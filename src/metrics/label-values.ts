import { ERROR_TABLE } from '../errors/table.js';
import type { CutoverState, RequestEvent } from '../types/events.js';
import type { AuthMethod } from '../types/mode.js';

/** Ways a request can prove who it is from. */
export const METHODS = ['xlink', 'api-key', 'none'] as const satisfies readonly AuthMethod[];
export const OUTCOMES = ['accepted', 'refused'] as const satisfies readonly RequestEvent['outcome'][];
export const VERSIONS = ['1', '2', '3'] as const;
export const FORMS = ['sealed', 'signed', 'signature', 'session'] as const;
export const DIRECTIONS = ['forward', 'back'] as const;

/** In the order of the way from keys to xLink. */
export const CLIENT_STATES = [
  'not-enrolled',
  'never-used-xlink',
  'failing',
  'not-recent',
  'key-in-use',
  'key-switched-off',
  'moved',
  'revoked',
] as const satisfies readonly CutoverState[];

/** `ok` and the ids of all errors. */
export const REASONS: ReadonlySet<string> = new Set(['ok', ...Object.keys(ERROR_TABLE)]);

/** A reason as a label: an observer may be told anything, the label stays one of {@link REASONS}. */
export const reasonLabel = (reason: string): string => (REASONS.has(reason) ? reason : 'INTERNAL');
