import { ANSWER_TYPE, mediaTypeOf } from '../../http/media-type.js';
import type { NodeRequest } from './types.js';

/** Content codings that clients of sealed answers undo themselves: all runtimes have them. */
const CODINGS = new Set(['gzip', 'deflate']);

/** What a handler is asked for: that the answer is to be sealed is not its business, and what is in it, the client decodes. */
export function askForPlain(headers: NodeRequest['headers']): void {
  keep(headers, 'accept', (type) => mediaTypeOf(type) !== ANSWER_TYPE);
  keep(headers, 'accept-encoding', (coding) => CODINGS.has(mediaTypeOf(coding)));
}

/** Keeps the members of a list for which `isKept` holds. */
function keep(headers: NodeRequest['headers'], name: string, isKept: (member: string) => boolean): void {
  const kept = String(headers[name] ?? '')
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '' && isKept(member));
  if (kept.length > 0) headers[name] = kept.join(', ');
  else delete headers[name];
}
