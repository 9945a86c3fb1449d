/** A public key that its DID has signed. Bytes as base64url without padding. */
export interface SignedPrekey {
  /** Unsigned 32 bits; counted up by its owner. */
  readonly id: number;
  /** X25519 (32 bytes) or ML-KEM-768 (1184 bytes). */
  readonly key: string;
  /** Not to be used from then on, in ms since 1970. */
  readonly notAfter: number;
  /** Ed25519, 64 bytes, over kind, id, end, identity key and key. */
  readonly signature: string;
}

/** Keys that are handed out once: X25519 and ML-KEM-768, in a batch that its DID has signed. */
export interface OneTimePrekey {
  readonly id: number;
  /** X25519, 32 bytes. */
  readonly key: string;
  readonly kem?: {
    readonly id: number;
    /** ML-KEM-768, 1184 bytes. */
    readonly key: string;
    /** End, size, place, Merkle path and signature of the batch: 76 bytes and 32 for each step of the path. */
    readonly signature: string;
  };
}

/** What a DID publishes beside its one-time keys. */
export interface PrekeyBundle {
  /** The X25519 identity key of its Signal channels, 32 bytes. */
  readonly identity: string;
  readonly signedPrekey: SignedPrekey;
  /** The last resort: an ML-KEM-768 key for when the one-time ones are used up. */
  readonly kem: SignedPrekey;
}

/** What a directory hands out. */
export interface FetchedBundle extends PrekeyBundle {
  readonly did: string;
  /** Absent: they are used up, or the caller has had its share. */
  readonly oneTime?: OneTimePrekey;
}

/** What is published at once. */
export interface Publication extends PrekeyBundle {
  readonly oneTime: readonly OneTimePrekey[];
  /** Whether one-time keys that wait are dropped: their private halves are gone. Default `false`. */
  readonly replace?: boolean;
}

/**
 * Where prekeys are published and fetched. It is not trusted: what it hands out is verified. It can withhold one-time keys, which
 * then shows as `lastResort`. {@link HttpPrekeyDirectory} asks an identity server.
 */
export interface PrekeyDirectory {
  /** Replaces the bundle of the caller and adds one-time keys. Resolves to how many wait. */
  publish(publication: Publication): Promise<number>;
  /** One-time keys of the caller that wait. */
  count(): Promise<number>;
  /** The bundle of a DID with one one-time key, which nobody else gets; `undefined` if it has published none. */
  fetch(did: string): Promise<FetchedBundle | undefined>;
  /** Optional. Whether a DID has published prekeys, without using up any. Default: `canReach` says that it can be tried. */
  has?(did: string): Promise<boolean>;
}
