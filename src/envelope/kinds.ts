import type { Suite } from '../crypto/suites.js';
import type { Kind } from '../types/protocol.js';
import { encodeUtf8 } from '../util/utf8.js';

/** Everything that is signed says what it is for, so that nothing can be taken for something else. */
export const KINDS: readonly Kind[] = ['message', 'request', 'answer', 'receipt', 'refusal'];

export const isKind = (value: unknown): value is Kind => KINDS.includes(value as Kind);

/** Which kinds a suite has: shares are messages, and what acknowledges or refuses is readable. */
export function suiteHasKind({ form, sealed }: Suite, kind: Kind): boolean {
  if (form !== 'message') return kind === 'message';
  if (kind === 'answer') return sealed;
  if (kind === 'receipt' || kind === 'refusal') return !sealed;
  return true;
}

const labels = new Map<Suite, Map<string, Uint8Array>>();

/** Domain separation of one kind in one suite: in the transcripts, the key schedule, and as ML-DSA context. `answer end` is what ends a long answer. */
export function labelOf(suite: Suite, kind: Kind | 'answer end'): Uint8Array {
  const known = labels.get(suite)?.get(kind);
  if (known) return known;
  const ofSuite = labels.get(suite) ?? new Map<string, Uint8Array>();
  const label = encodeUtf8(`xlink/1 ${kind} v${suite.version} ${suite.name}`);
  labels.set(suite, ofSuite.set(kind, label)); // as many as there are suites and kinds
  return label;
}
