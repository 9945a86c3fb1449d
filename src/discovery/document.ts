import type { Mode } from '../types/mode.js';
import type { Did, KeyRecord, Version } from '../types/protocol.js';

/** Where a service describes itself, on its own origin. */
export const DISCOVERY_PATH = '/.well-known/xlink.json';

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
  /** Absolute paths on the host of the document. */
  readonly endpoints: { readonly enroll?: string; readonly key?: string };
}
