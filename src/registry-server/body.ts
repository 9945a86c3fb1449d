import { xlinkError } from '../errors/errors.js';
import { JSON_TYPE, mediaTypeOf } from '../http/media-type.js';
import { readNodeBody } from '../middleware/node/body.js';
import type { NodeRequest, RequestExtras } from '../middleware/node/types.js';
import { isMembers, type Members } from '../util/members.js';
import { decodeUtf8 } from '../util/utf8.js';

const malformed = (field: string) => xlinkError('REGISTRATION_FAILED', { field });

/**
 * The JSON object that a request carries, read here or by a parser in front. Throws `REGISTRATION_FAILED` for anything
 * else and for members that are not among `known`: what is not understood may have been meant as a restriction.
 */
export async function membersOf(
  req: NodeRequest,
  maxBytes: number,
  known: readonly string[],
): Promise<Members> {
  // A browser sends JSON to other origins only after it has asked whether it may.
  if (mediaTypeOf(req.headers['content-type'] as string | undefined) !== JSON_TYPE)
    throw malformed('contentType');
  const extras = req as NodeRequest & RequestExtras;
  const value = isParsed(extras.body) ? extras.body : parse(await readNodeBody(req, [extras], maxBytes));
  if (!isMembers(value)) throw malformed('body');
  const stranger = Object.keys(value).find((name) => !known.includes(name));
  if (stranger !== undefined) throw malformed('body');
  return value;
}

const isParsed = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && !(body instanceof Uint8Array);

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    throw malformed('body'); // the parser's error would quote the text
  }
}
