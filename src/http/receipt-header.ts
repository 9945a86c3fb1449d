import type { Envelope } from '../types/protocol.js';
import { ENVELOPE_TYPE, mediaTypeOf } from './media-type.js';

/** Of a request: `requested`. Of the response: the receipt as JSON, where the body is for something else. */
export const RECEIPT_HEADER = 'xlink-receipt';

export const asksForReceipt = (value: string | null | undefined): boolean => value === 'requested';

/** The receipt in a response: its body, or a header beside that. What is no JSON is no receipt. */
export function receiptIn({ headers, text }: { headers: Headers; text: string }): Envelope | undefined {
  const isBody = mediaTypeOf(headers.get('content-type')) === ENVELOPE_TYPE;
  const json = isBody ? text : headers.get(RECEIPT_HEADER);
  if (json === null) return undefined;
  try {
    return JSON.parse(json) as Envelope;
  } catch {
    return undefined;
  }
}
