import { mustBeRemoved } from './covered-fields.js';
import type { Pass } from './decision.js';
import { ANSWER_TYPE, mediaTypeOf } from './media-type.js';
import { SESSION_HEADER, SUPERSEDES_HEADER } from './session-headers.js';

/** Changes of headers by name in lower case; `undefined`: the header goes. */
export type HeaderChanges = ReadonlyMap<string, string | undefined>;

/** Content codings that clients of sealed answers undo themselves: all runtimes have them. */
const CODINGS = new Set(['gzip', 'deflate']);

/**
 * What makes the headers of an authenticated request those that a caller with a key would have sent: the envelope or signature goes, what it
 * sealed takes its place, and what changes the meaning of the request and is not covered goes, too, as a proxy may have
 * added it. All others stay, unsigned. `header` reads one, `names` are all that there are.
 */
export function openedHeaders(
  { auth, fields, content, stream, sealing }: Pass,
  header: (name: string) => string | undefined,
  names: () => Iterable<string>,
): HeaderChanges {
  const changes = new Map<string, string | undefined>();
  if (!auth) return changes;
  if (isEnvelope(header('authorization'))) changes.set('authorization', undefined);
  for (const name of CARRIERS) if (header(name) !== undefined) changes.set(name, undefined);
  if (fields) {
    for (const name of names()) if (mustBeRemoved(name, fields.names)) changes.set(name, undefined);
    for (const name of fields.carriers ?? []) changes.set(name, undefined);
    if (header('trailer') !== undefined) changes.set('trailer', undefined); // nobody vouches for what it announces
    for (const [name, value] of fields.values) if (name !== SUPERSEDES_HEADER) changes.set(name, value);
    // that the answer is to be sealed is not the handler's business, and what is in it, the client decodes
    const asked = (name: string) => (changes.has(name) ? changes.get(name) : header(name));
    if (asked('accept') !== undefined)
      changes.set(
        'accept',
        listOf(asked('accept'), (type) => mediaTypeOf(type) !== ANSWER_TYPE),
      );
    if (sealing) {
      const coding = listOf(asked('accept-encoding'), (one) => CODINGS.has(mediaTypeOf(one)));
      changes.set('accept-encoding', coding);
    }
  }
  if (content) {
    changes.set('content-type', content.contentType === '' ? undefined : content.contentType);
    changes.set('content-length', String(content.bytes.length));
    for (const name of ['transfer-encoding', 'content-encoding']) changes.set(name, undefined);
  }
  if (stream) {
    changes.set('content-type', stream.contentType === '' ? undefined : stream.contentType);
    for (const name of ['content-length', 'content-encoding']) changes.set(name, undefined);
  }
  return changes;
}

/** Of envelopes and sessions, beside `Authorization`; what a request takes the place of is for the adapter alone. */
const CARRIERS = ['xlink-envelope', SESSION_HEADER, SUPERSEDES_HEADER];

const isEnvelope = (authorization: string | undefined): boolean =>
  /^xlink(-session)?( |$)/i.test(authorization ?? '');

/** The members of a list for which `isKept` holds; `undefined` if there is none. */
function listOf(list: string | undefined, isKept: (member: string) => boolean): string | undefined {
  const kept = (list ?? '')
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '' && isKept(member));
  return kept.length > 0 ? kept.join(', ') : undefined;
}
