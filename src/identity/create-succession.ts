import { xlinkError } from '../errors/errors.js';
import type { Clock, KeyRecord, Succession } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { checkOptions, integerIn, isObject, isPromptFunction } from '../util/options.js';
import type { Identity } from './identity.js';
import {
  MAX_OVERLAP_MS,
  SUCCESSION_LABEL,
  type SuccessionClaim,
  successionTranscript,
} from './succession.js';

/** For how long both DIDs are good, unless chosen otherwise: 1 day. */
const DEFAULT_OVERLAP_MS = 86_400_000;

/** Options of {@link createSuccession}. */
export interface CreateSuccessionOptions {
  /** For how long both DIDs are good, in ms, 0 to 90 days. Default 1 day. 0 ends the old one at once. */
  readonly overlapMs?: number;
  /** The key record of the new DID, where that commits to its own successor (`next`). Default: it does not. */
  readonly keys?: KeyRecord;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

export const SUCCESSION_OPTIONS = { overlapMs: integerIn(0, MAX_OVERLAP_MS), clock: isPromptFunction };

/**
 * Makes the statement that one identity takes the place of another, signed by all signature keys of both. A registry
 * takes it for an hour: `registry.succeed(succession, keys)`, which `agent.succeedBy` does. Throws `INVALID_OPTION`,
 * `SUCCESSION_INVALID` if the two are one.
 */
export async function createSuccession(
  from: Identity,
  to: Identity,
  options: CreateSuccessionOptions = {},
): Promise<Succession> {
  checkOptions('createSuccession', options, { ...SUCCESSION_OPTIONS, keys: isObject });
  const { overlapMs = DEFAULT_OVERLAP_MS, keys, clock = Date.now } = options;
  if (from.did === to.did)
    throw xlinkError('SUCCESSION_INVALID', { field: 'to', hint: `${to.did} cannot succeed itself.` });
  const claim: SuccessionClaim = {
    from: from.did,
    to: to.did,
    issuedAt: clock(),
    overlapMs,
    ...(from.mlDsa65 ? { fromMlDsa65: encodeBase64url(from.mlDsa65.publicKey) } : {}),
    ...(to.mlDsa65 ? { toMlDsa65: encodeBase64url(to.mlDsa65.publicKey) } : {}),
    ...(keys?.next === undefined ? {} : { next: keys.next }),
  };
  const bytes = successionTranscript(claim);
  return Object.freeze({
    ...claim,
    ...(await signaturesOf('from', from, bytes)),
    ...(await signaturesOf('to', to, bytes)),
  } as Succession);
}

async function signaturesOf(side: 'from' | 'to', { ed25519, mlDsa65 }: Identity, bytes: Uint8Array) {
  const pqSignature = await mlDsa65?.sign(bytes, SUCCESSION_LABEL);
  return {
    [`${side}Signature`]: encodeBase64url(await ed25519.sign(bytes)),
    ...(pqSignature ? { [`${side}PqSignature`]: encodeBase64url(pqSignature) } : {}),
  };
}
