/** Where a chain is: its key (32 bytes), and the number of the next message. */
export interface Chain {
  readonly key: Uint8Array;
  readonly next: number;
}

/** The key of a message that did not come yet. */
export interface SkippedKey {
  /** Ratchet key of the chain it is of, 32 bytes. */
  readonly chain: Uint8Array;
  readonly number: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** When it was put aside, in ms since 1970. */
  readonly at: number;
}

/** Everything one side of a Double Ratchet knows. Never changed in place: a step makes a new one. */
export interface RatchetState {
  /** Whether each turn has a KEM step. */
  readonly kem: boolean;
  /** What is authenticated with every message: who talks to whom. */
  readonly associated: Uint8Array;
  /** Root key, 32 bytes. */
  readonly root: Uint8Array;
  /** Own ratchet key: X25519 secret and public key, and the ML-KEM seed and public key with a KEM step. */
  readonly own: {
    readonly secret: Uint8Array;
    readonly public: Uint8Array;
    readonly kem?: { readonly seed: Uint8Array; readonly public: Uint8Array };
  };
  /** Ratchet keys of the peer. Absent until its first message. */
  readonly peer?: { readonly public: Uint8Array; readonly kem?: Uint8Array };
  /** Absent where the next message to send begins a turn. */
  readonly sending?: Chain & { readonly ciphertext?: Uint8Array };
  readonly receiving?: Chain;
  /** Messages in the last sending chain. */
  readonly previous: number;
  readonly skipped: readonly SkippedKey[];
  /** The last ratchet keys of the peer, newest last: a message under one of these is no turn. */
  readonly seen: readonly Uint8Array[];
  /** When a ratchet key of the peer came last, in ms since 1970. */
  readonly turnedAt: number;
}

/** Limits of what may be missing. */
export interface RatchetLimits {
  /** Messages of one chain that may be skipped at once. Default 1,000. */
  readonly maxJump: number;
  /** Keys that are kept of skipped messages; older ones make room. Default 2,000. */
  readonly maxSkipped: number;
  /** Chains that such keys are kept of. Default 5. */
  readonly maxChains: number;
  /** How long they are kept, in ms. Default 7 days. */
  readonly skippedMs: number;
}

/** The limits, unless chosen otherwise. */
export const DEFAULT_LIMITS: RatchetLimits = {
  maxJump: 1000,
  maxSkipped: 2000,
  maxChains: 5,
  skippedMs: 7 * 86_400_000,
};
