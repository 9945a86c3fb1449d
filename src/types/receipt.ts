import type { Did, Envelope } from './protocol.js';

/** `received`: verified and opened. `processed`: its handler has done with it. `failed`: its handler could not. */
export type ReceiptStatus = 'received' | 'processed' | 'failed';

/** What a recipient signed about a message. It says that the recipient has it, not that what it says is true. */
export interface Receipt {
  /** Who signed it: the recipient of the message. */
  readonly signer: Did;
  /** Who it is for: the sender of the message. */
  readonly recipient: Did;
  /** SHA-256 over what the signatures of the message cover, base64url: of all that the message says. See `messageHashOf`. */
  readonly messageHash: string;
  /** `envelopeId` of the message. */
  readonly inReplyTo: string;
  /** When the message was received, by the clock of the signer, in ms since 1970. */
  readonly timestamp: number;
  /** What became of it. */
  readonly status: ReceiptStatus;
  /** Place of its entry in the audit log of the signer, from 0. Absent, with the two members below, where the signer keeps none. */
  readonly logIndex?: number;
  /** The entry, which says which message was received, and the proof that it is in the log of `checkpoint`. */
  readonly proof?: string;
  /** The log as the signer signed it (C2SP tlog-checkpoint). Keep it: no later log that lacks the entry can contain this one. */
  readonly checkpoint?: string;
  /** The evidence: the signed envelope that says all this. */
  readonly envelope: Envelope;
}
