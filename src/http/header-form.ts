import { encodeEnvelope } from '../envelope/flat-json.js';
import type { Envelope } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';

/** A signed-only envelope as the value of the header `Authorization`: `Xlink <base64url>`. */
export const xlinkAuthorization = (envelope: Envelope): string =>
  `Xlink ${encodeBase64url(encodeEnvelope(envelope))}`;
