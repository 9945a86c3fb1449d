import type { Mode } from '../types/mode.js';
import type { Did, KeyRecord, Succession, Version } from '../types/protocol.js';

/** Where a service describes itself, on its own origin. */
export const DISCOVERY_PATH = '/.well-known/xlink.json';
/** What a caller adds to it, as a query, that knows a newer document: the `issuedAt` of that one. */
export const ISSUED_SINCE = 'issuedSince';

/** `/.well-known/xlink.json`: what a caller must know about a service before its first request. */
export interface DiscoveryDocument {
  /** The service's DID. */
  readonly did: Did;
  /** A name for people. */
  readonly name?: string;
  /** Signed by `did`. */
  readonly keyRecord: KeyRecord;
  /** Envelope versions that are accepted. */
  readonly versions: readonly Version[];
  /** The mode of everything that has none of its own. */
  readonly mode: Mode;
  /** Whether envelopes decide for anybody. False: keys do, and callers may go on with theirs. */
  readonly acceptsEnvelopes: boolean;
  /** The hosts that it speaks for: `api.example.com`, with a port where it is not the usual one. */
  readonly hosts: readonly string[];
  /** Absolute paths on the host of the document. */
  readonly endpoints: { readonly enroll?: string; readonly key?: string; readonly session?: string };
  /** Paths that are answered in the open: their answers need not be sealed. One that ends in `/*` stands for all below it. */
  readonly publicPaths: readonly string[];
  /** The successions that led to `did`, oldest first, for callers that know the service by an earlier DID; at most 16. */
  readonly succession?: readonly Succession[];
  /** When it was signed, in ms since 1970. */
  readonly issuedAt: number;
  /** Until when it is good, in ms since 1970: at most five minutes later. */
  readonly notAfter: number;
}

/** A document as it travels, signed by every signature key of the service. */
export interface SignedDiscoveryDocument extends DiscoveryDocument {
  /** Ed25519, 64 bytes. */
  readonly signature: string;
  /** ML-DSA-65, 3309 bytes; present if the key record has an ML-DSA key. */
  readonly pqSignature?: string;
}
