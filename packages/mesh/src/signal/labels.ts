// Every text that goes into a hash, a signature or a key derivation. Changing one changes the protocol.

/** Label of the X25519 identity key of Signal channels, for `agent.deriveSubkey`. */
export const IDENTITY_LABEL = 'xlink/1 identity signal x25519';
/** Label of the key that state is sealed under, for `agent.deriveSubkey`. */
export const STATE_LABEL = 'xlink/1 identity signal aes-256-gcm';

/** `info` of the shared secret of a handshake. */
export const PQXDH_INFO = 'xlink/1 pqxdh X25519 MLKEM768 SHA-256';
/** The same, of a session whose ratchet has a KEM step in each turn: neither is taken for the other. */
export const PQXDH_KEM_RATCHET_INFO = 'xlink/1 pqxdh X25519 MLKEM768 SHA-256 kem ratchet';
/** `info` of a step of the root chain. */
export const ROOT_INFO = 'xlink/1 ratchet root';
/** The same, with a KEM secret in it. */
export const KEM_ROOT_INFO = 'xlink/1 ratchet root X25519 MLKEM768';
/** `info` of key and IV of a message. */
export const MESSAGE_INFO = 'xlink/1 ratchet message';
/** First part of the hash that names a session. */
export const SESSION_LABEL = 'xlink/1 signal session';

/** `context` of all signatures here, for `agent.sign`. */
export const SIGN_CONTEXT = 'mesh/1 signal';
/** First part of what is signed about a prekey. */
export const PREKEY_LABEL = 'xlink/1 prekey';
/** First part of what is signed about a batch of one-time prekeys. */
export const BATCH_LABEL = 'xlink/1 prekey batch';
/** First part of a leaf of such a batch. */
export const LEAF_LABEL = 'xlink/1 prekey leaf';
/** First part of what is signed about the identity key. */
export const SIGNED_IDENTITY_LABEL = 'xlink/1 signal identity';
