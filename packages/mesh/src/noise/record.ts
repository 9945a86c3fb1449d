/** The first byte of what is encrypted in a transport message. */
export const RECORD = {
  /** A message, or its last piece. */
  data: 0,
  /** The responder has accepted the identity of the initiator. */
  ready: 1,
  /** The sender takes another key after this record. */
  rekey: 2,
  /** The sender closes the channel; the rest says why, in UTF-8. */
  close: 3,
  /** A piece of a message; more follows. */
  piece: 4,
  /** Nothing: over UDP it shows that the sender is there. */
  alive: 5,
} as const;

/** Puts the type in front. */
export function record(type: number, data: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(data.length + 1);
  out[0] = type;
  out.set(data, 1);
  return out;
}
