import { hashOfDid } from '../identity/succession.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Did } from '../types/protocol.js';
import { decodeBase64url } from '../util/base64url.js';
import { callRegistry } from './call-registry.js';
import type { Commitment } from './context.js';

/** To the only DID that may succeed. */
export const commitmentTo = async (next: Did | undefined): Promise<Commitment> =>
  next === undefined ? {} : { next: decodeBase64url(await hashOfDid(next))! };

/** The one that was made when the DID took its place, by whomever: it cannot be taken back. */
export async function publishedCommitment(registry: TrustRegistry, did: Did): Promise<Commitment> {
  const entry = await callRegistry(() => registry.lookup(did), 'LOOKUP_FAILED');
  const next = entry?.keys?.next;
  return next === undefined ? {} : { next: decodeBase64url(next)! };
}
