import type { BufferedRequest } from './buffered-request.js';
import { type Sealing, signRequest } from './seal-request.js';

/** Headers for a request that the key decides: an envelope that is verified and counted, and nothing more. */
export type EnvelopeHeader = Readonly<Record<string, string>>;

/** Whatever is wrong with the envelope, the request goes on without it. */
export async function observeEnvelopeHeader(
  request: BufferedRequest,
  sealing: () => Promise<Sealing>,
): Promise<EnvelopeHeader> {
  try {
    const { headers } = await signRequest(
      request,
      new Headers(request.request.headers),
      await sealing(),
      true,
    );
    return { 'Xlink-Envelope': headers.get('xlink-envelope')! };
  } catch {
    return {};
  }
}
