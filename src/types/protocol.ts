/** `did:key:z6Mk…`: an Ed25519 public key as a DID (did:key, multicodec 0xed01, base58btc). 56 characters. */
export type Did = string;

/**
 * What a message is about, such as `payments:read`. 1 to 128 characters of `A-Z a-z 0-9 : . _ / -`. `*` in a list: any; in a request:
 * all that its sender was granted.
 */
export type Scope = string;

/** Envelope version: 1 classical, 2 adds ML-KEM-768, 3 adds ML-DSA-65 signatures. */
export type Version = 1 | 2 | 3;

/**
 * What an envelope is for. It is signed, so that none can be taken for another: a `message` between agents, a `request` for
 * one HTTP request, the `answer` of the service to one, the `receipt` of a message, the `refusal` of a request.
 */
export type Kind = 'message' | 'request' | 'answer' | 'receipt' | 'refusal';

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
  /** What it is: a message, request, answer, refusal or document. */
  readonly kind: Kind;
  /** The sender. */
  readonly from: Did;
  /** The recipient. */
  readonly to: Did;
  /** When it was made, in ms since 1970. */
  readonly timestamp: number;
  /** 16 random bytes. */
  readonly nonce: string;
  /** Which of the recipient's encryption keys it is sealed to: `keyEpoch` of the key record. Absent from signed-only envelopes. */
  readonly keyEpoch?: number;
  /** What the message is about. In a request `*` stands for all that the sender was granted. */
  readonly scope: Scope;
  /** Key commitment (32 bytes), ciphertext and tag, or the cleartext of a signed-only envelope, which may have none. */
  readonly payload?: string;
  /** X25519, 32 bytes. */
  readonly ephemeralPub?: string;
  /** ML-KEM-768, 1088 bytes. */
  readonly kemCiphertext?: string;
  /** HTTP request this envelope is for: `METHOD /path?query`. */
  readonly request?: string;
  /** Names of the request headers that `fieldsDigest` covers: lower case, one space between two. Signed-only requests. */
  readonly fields?: string;
  /** SHA-256 over those names and their values, 32 bytes. */
  readonly fieldsDigest?: string;
  /** SHA-256 of a body that travels beside a signed-only envelope, 32 bytes. */
  readonly contentDigest?: string;
  /** Content-Type of that body; the one of a sealed content is sealed with it. */
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
  /** What it was signed as. */
  readonly kind: Kind;
  /** The DID that signed the message. */
  readonly sender: Did;
  /** The DID that it was for, where that is the one that takes the place of the receiving agent's own. */
  readonly recipient?: Did;
  /** The JSON value of the content; its bytes if it is of another type; `undefined` if the envelope carried none. */
  readonly payload: T;
  /** Scope it was signed for. */
  readonly scope: Scope;
  /** Of a request: the scopes it may use, which is what guards read. All that the sender was granted if it said `*`. */
  readonly scopes?: readonly Scope[];
  /** Of a sealed request: the headers that the caller set, name in lower case and value. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
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
  /** Names of the headers that a signed-only request covers, in lower case. */
  readonly fields?: string;
  /** SHA-256 of these headers, as base64url. */
  readonly fieldsDigest?: string;
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
  /** Rises with every change of the record; Unix seconds of signing unless chosen otherwise. */
  readonly epoch: number;
  /** Number of the encryption keys; 0 for those that are derived from the seed. */
  readonly keyEpoch: number;
  /** From when on the encryption keys may be used, in ms since 1970. */
  readonly notBefore: number;
  /** Nothing is sealed to the encryption keys after this time, in ms since 1970. {@link NO_EXPIRY}: they do not expire. */
  readonly notAfter: number;
  /** X25519, 32 bytes. */
  readonly x25519: string;
  /** ML-KEM-768, 1184 bytes; present from version 2 on. */
  readonly mlKem768?: string;
  /** ML-DSA-65, 1952 bytes; present in version 3. */
  readonly mlDsa65?: string;
  /** SHA-256 of the only DID that may succeed this one, 32 bytes. */
  readonly next?: string;
  /** Ed25519 signature of the DID over all of the above, 64 bytes. */
  readonly signature: string;
  /** ML-DSA-65 signature over the same, 3309 bytes: proof that the DID has the key. Present with `mlDsa65`. */
  readonly pqSignature?: string;
}

/** `notAfter` of encryption keys that do not expire: 2^53 - 1. */
export const NO_EXPIRY = Number.MAX_SAFE_INTEGER;

/**
 * The statement that one DID takes the place of another, signed by every signature key of both. Good for itself, whoever
 * hands it on. Binary members are base64url.
 */
export interface Succession {
  /** The DID that is succeeded. */
  readonly from: Did;
  /** The DID that takes its place. */
  readonly to: Did;
  /** When it was made, in ms since 1970. */
  readonly issuedAt: number;
  /** For how long after that both DIDs are good, in ms; at most 90 days. */
  readonly overlapMs: number;
  /** The ML-DSA-65 key of `from`, 1952 bytes; absent if it has none. */
  readonly fromMlDsa65?: string;
  /** The ML-DSA-65 key of `to`, 1952 bytes; absent if it has none. */
  readonly toMlDsa65?: string;
  /** SHA-256 of the only DID that may succeed `to`, 32 bytes, as its key record has it. */
  readonly next?: string;
  /** Ed25519 signature of `from` over all of the above, 64 bytes. */
  readonly fromSignature: string;
  /** ML-DSA-65 signature of `from`, 3309 bytes. Present with `fromMlDsa65`. */
  readonly fromPqSignature?: string;
  /** Ed25519 signature of `to`, 64 bytes. */
  readonly toSignature: string;
  /** ML-DSA-65 signature of `to`, 3309 bytes. Present with `toMlDsa65`. */
  readonly toPqSignature?: string;
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
  /** Scopes it may send with; `*` is any. Absent or empty: none. */
  readonly sendScopes?: readonly Scope[];
  /** Scopes it accepts; `*` is any. Absent or empty: none. */
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
  /** The statement by which another DID took its place. Once its overlap is over, nothing from this DID is accepted. */
  readonly succeededBy?: Succession;
  /** The DIDs whose place it took, one after the other, oldest first; at most 16. */
  readonly predecessors?: readonly Did[];
}

/** What can be registered: an entry without what changes make of it. Its status starts as `active`, its revision at 1. */
export type Registration = Omit<
  RegistryEntry,
  'status' | 'revocationReason' | 'revision' | 'succeededBy' | 'predecessors'
>;

/** A caller of the API as the key validator knows it: the id of a customer, account or service. Never a key. */
export type ClientId = string;
