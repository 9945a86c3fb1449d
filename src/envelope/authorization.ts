import type { Envelope } from '../types.js';
import { encodeBase64url } from '../util/base64url.js';
import { encodeEnvelope } from './flat-json.js';

/** A signed-only envelope as the value of the header `Authorization`: `Xlink <base64url>`. */
export const xlinkAuthorization = (envelope: Envelope): string =>
  `Xlink ${encodeBase64url(encodeEnvelope(envelope))}`;
