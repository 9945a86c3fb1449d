/**
 * The body of a request piece by piece as it comes, for a framework that can hand on other bytes in its place. Until it is decided what
 * becomes of it, what was read is kept.
 */
export interface BodySource {
  /** The next bytes; `undefined` at the end. Rejects with `BODY_ABORTED`. */
  next(): Promise<Uint8Array | undefined>;
  /** Puts back what was read: from now on the body is as if nobody had asked for it. Does nothing once its bytes were replaced. */
  restore(): void;
}

/** What takes the place of a body whose end is still to come. */
export interface StreamedContent {
  /** As it was sealed; empty if the sender said none. */
  readonly contentType: string;
  /** Throws where what comes is not what was sealed, so that whoever reads it never takes a part for the whole. */
  readonly pieces: AsyncIterable<Uint8Array>;
}
