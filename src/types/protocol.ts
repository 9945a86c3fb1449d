/** `did:key:z6Mk…`: an Ed25519 public key as a DID (did:key, multicodec 0xed01, base58btc). 56 characters. */
export type Did = string;

/** What a message is about, such as `payments:read`. 1 to 128 characters of `A-Z a-z 0-9 : . _ / -`. */
export type Scope = string;

/** Envelope version: 1 classical, 2 adds ML-KEM-768, 3 adds ML-DSA-65 signatures. */
export type Version = 1 | 2 | 3;

/** Milliseconds since 1970-01-01T00:00:00Z; `Date.now` where none is given. */
export type Clock = () => number;

/** `length` bytes from a cryptographic random source. */
export type RandomBytes = (length: number) => Uint8Array;

/**
 * An envelope as it travels: one flat JSON object. Binary members are base64url without padding.
 * Field by field in docs/PROTOCOL.md; which members a version has is decided by `suite`.
 */
export interface Envelope {
  /** Envelope version. */
  readonly version: Version;
  /** Algorithms, as listed in docs/PROTOCOL.md. */
  readonly suite: string;
  /** The sender. */
  readonly from: Did;
  /** The recipient. */
  readonly to: Did;
  /** When it was made, in ms since 1970. */
  readonly timestamp: number;
  /** 16 random bytes. */
  readonly nonce: string;
  /** What the message is about. */
  readonly scope: Scope;
  /** Ciphertext and tag, or the cleartext of a signed-only envelope; a signed-only envelope may have none. */
  readonly payload?: string;
  /** X25519, 32 bytes. */
  readonly ephemeralPub?: string;
  /** ML-KEM-768, 1088 bytes. */
  readonly kemCiphertext?: string;
  /** HTTP request this envelope is for: `METHOD /path?query`. */
  readonly request?: string;
  /** SHA-256 of a body that travels beside the envelope, 32 bytes. */
  readonly contentDigest?: string;
  /** Content-Type of that body. */
  readonly contentType?: string;
  /** Nonce of the envelope that this one answers. */
  readonly inReplyTo?: string;
  /** Ed25519, 64 bytes. */
  readonly signature: string;
  /** ML-DSA-65, 3309 bytes; version 3 only. */
  readonly pqSignature?: string;
}

/** A received, verified and opened message. */
export interface AgentMessage<T = unknown> {
  /** The DID that signed the message. */
  readonly sender: Did;
  /** The decrypted JSON value; `undefined` if the envelope carried none. */
  readonly payload: T;
  /** Scope it was signed for. */
  readonly scope: Scope;
  /** Envelope version. */
  readonly version: Version;
  /** False for signed-only envelopes. */
  readonly encrypted: boolean;
  /** When it was made, in ms since 1970. */
  readonly timestamp: number;
  /** Nonce of the envelope, or id of the shares that it came in; unique per sender and recipient. */
  readonly envelopeId: string;
  /** HTTP request it is bound to: `METHOD /path?query`; absent if it is not bound. */
  readonly request?: string;
  /** SHA-256 of the body beside the envelope, as base64url; absent without one. */
  readonly contentDigest?: string;
  /** Content-Type of that body. */
  readonly contentType?: string;
  /** `envelopeId` of the message it answers. */
  readonly inReplyTo?: string;
  /** Present if the message came in shares: how many there were, and how many were needed. */
  readonly shares?: { readonly total: number; readonly threshold: number };
  /** Present if its key came in shares too, without key agreement. */
  readonly xchange?: boolean;
}

/** The public keys of an identity, signed by the identity itself. Binary members are base64url. */
export interface KeyRecord {
  /** The identity the keys belong to. */
  readonly did: Did;
  /** Rises with every change of keys; Unix seconds of signing unless chosen otherwise. */
  readonly epoch: number;
  /** X25519, 32 bytes. */
  readonly x25519: string;
  /** ML-KEM-768, 1184 bytes; present from version 2 on. */
  readonly mlKem768?: string;
  /** ML-DSA-65, 1952 bytes; present in version 3. */
  readonly mlDsa65?: string;
  /** Ed25519 signature of the DID over all of the above, 64 bytes. */
  readonly signature: string;
}

/** What a trust registry holds about a DID. */
export interface RegistryEntry {
  /** The DID the entry is about. */
  readonly did: Did;
  /** A name for people; not verified. */
  readonly name?: string;
  /** Without it the DID can sign, but nothing can be encrypted for it. */
  readonly keys?: KeyRecord;
  /** Names of tools or actions this DID offers. */
  readonly capabilities?: readonly string[];
  /** Scopes it may send with. Absent: any. Empty: none. */
  readonly sendScopes?: readonly Scope[];
  /** Scopes it accepts. Absent: any. Empty: none. */
  readonly receiveScopes?: readonly Scope[];
  /** Who runs it, for the security policies of senders. */
  readonly organization?: string;
  /** Whether it takes Xchange messages. Default `false`. */
  readonly xchange?: boolean;
  /** `revoked`: nothing from this DID is accepted. */
  readonly status: 'active' | 'revoked';
  /** Why it was revoked, as the operator put it. */
  readonly revocationReason?: string;
  /**
   * How many changes made the entry what it is, from 1. Absent in registries that do not count, and in entries that were
   * last changed by an earlier build: those begin at 1 with their next change.
   */
  readonly revision?: number;
}

/** What can be registered: an entry without its status, which starts as `active`, and its revision, which starts at 1. */
export type Registration = Omit<RegistryEntry, 'status' | 'revocationReason' | 'revision'>;

/** A caller of the API as the key validator knows it: the id of a customer, account or service. Never a key. */
export type ClientId = string;
