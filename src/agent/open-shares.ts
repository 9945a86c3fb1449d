import type { ParsedEnvelope } from '../envelope/parse.js';
import type { Content } from '../envelope/plaintext.js';
import type { EnvelopeDraft } from '../envelope/seal.js';
import type { SecurityMode, ShareCount } from '../security/security-mode.js';
import type { NonceUse, OnProgress } from '../types/ports.js';
import type { Envelope, Version } from '../types/protocol.js';
import type { EnvelopeOptions } from './envelope-options.js';
import type { ResolvedPeer } from './peers.js';
import type { SecurityOptions } from './security.js';

/** A message that may be sent, before anything of it is sealed. */
export interface PreparedMessage {
  readonly recipient: ResolvedPeer;
  readonly draft: EnvelopeDraft;
  /** Absent from an envelope that speaks for a request alone. */
  readonly content: Content | undefined;
  readonly signedOnly: boolean;
}

/** What came of the shares of a message. */
export interface SharesSent {
  /** The id of the group: what the receiver gets as `envelopeId`. */
  readonly envelopeId: string;
  /** One for each channel. */
  readonly envelopes: readonly Envelope[];
  readonly version: Version;
}

/** A message put together from shares. */
export interface Gathered {
  readonly groupId: string;
  readonly content: Content;
  readonly shares: ShareCount;
  /** Ends the claim of the group: `isUsed` makes it lasting. */
  readonly settle: (isUsed: boolean) => Promise<void>;
}

/** How one agent sends and takes messages in shares. */
export interface OpenShares {
  /** What the options, the policy and the recipient come to. */
  modeOf(options: EnvelopeOptions & SecurityOptions, prepared: PreparedMessage): SecurityMode;
  send(
    prepared: PreparedMessage,
    mode: SecurityMode & { readonly shares: ShareCount },
    options: { readonly onProgress?: OnProgress; readonly unsafeXchangeOverFewerChannels?: boolean },
  ): Promise<SharesSent>;
  gather(
    envelope: ParsedEnvelope,
    opened: Content,
    use: NonceUse,
    options: { readonly reservable: boolean; readonly onProgress?: OnProgress | undefined },
  ): Promise<Gathered>;
}
