import { looksLikeDidKey } from '../../identity/did.js';
import { entryFrom } from '../../registry/parse-entry.js';
import type { Did, RegistryEntry } from '../../types/protocol.js';
import type { Write } from './change.js';

/** What the registry said about a DID, and when it was asked (ms since 1970). */
export interface Seen {
  readonly entry: RegistryEntry;
  readonly at: number;
  /** The same, as the file has it; `undefined` if the file has another entry. */
  readonly writtenAt: number | undefined;
}

/** A change that the registry has not been told of. */
export interface Queued {
  readonly id: number;
  readonly write: Write;
  /** What was known of the DID when the change was asked for. */
  readonly base: RegistryEntry['status'] | 'unknown';
}

/** One thing that the file says. */
export type Fact =
  | readonly ['seen', RegistryEntry, number]
  | readonly ['gone', Did]
  | readonly ['queued', number, Write, Queued['base']]
  | readonly ['done', number];

const OPERATIONS = new Set(['register', 'add', 'revoke', 'updateScopes', 'updateKeys']);

/** The file may have been written by another program: nothing of it is taken unchecked. */
export function factFrom(value: unknown): Fact {
  const [kind, first, second, third] = value as unknown[];
  const write = second as Write | undefined;
  if (kind === 'seen' && typeof second === 'number') return ['seen', entryFrom(first), second];
  if (kind === 'gone' && typeof first === 'string') return ['gone', first];
  if (kind === 'done' && typeof first === 'number') return ['done', first];
  if (kind === 'queued' && typeof first === 'number' && write && OPERATIONS.has(write.operation))
    if (looksLikeDidKey(write.did)) return ['queued', first, write, third as Queued['base']];
  throw new TypeError('a line holds something unknown');
}
