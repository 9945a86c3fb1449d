import type { Header } from '../../src/envelope/plaintext.js';
import type { Did, KeyRecord, Version } from '../../src/types/protocol.js';
import type { Hex } from './replay.mjs';

/** A frame of a case: in full, or one of a good case and what is changed in it. */
export interface FrameSource {
  readonly type?: number;
  readonly text?: string;
  readonly bytes?: Hex;
  readonly spaces?: number;
  readonly frame?: number;
  readonly of?: string;
  readonly flip?: number;
  readonly cut?: number;
  readonly keep?: number;
  readonly append?: number;
  readonly short?: number;
  readonly leave?: number;
  readonly raw?: Hex;
}

interface AnswerCase {
  readonly name: string;
  readonly version: Version;
  /** Who was asked. */
  readonly service: Did;
  readonly settings?: {
    readonly maxBytes?: number;
    /** Another service that the client called. */
    readonly knows?: Did;
    readonly before?: { readonly of: string; readonly inReplyTo?: string; readonly count?: number };
  };
  readonly of?: string;
}

export interface GoodAnswer extends AnswerCase {
  readonly senderSeed: Hex;
  readonly randomness: Readonly<Record<string, Hex>> & { readonly nonce: Hex };
  readonly timestamp: number;
  readonly scope: string;
  readonly status: number;
  readonly contentType: string;
  readonly headers: readonly Header[];
  readonly contentLengths: readonly number[];
  readonly steps?: Readonly<Record<string, Hex>>;
  readonly frames?: readonly FrameSource[];
  readonly length?: number;
  readonly sha256?: Hex;
}

export interface BadAnswer extends AnswerCase {
  readonly frames: readonly FrameSource[];
  readonly error: string;
  readonly cause?: string;
  /** Bytes of the body that were handed over by then; absent: not even status and headers were. */
  readonly handedOver?: number;
}

export interface AnswerFile {
  readonly now: number;
  readonly receiver: {
    readonly seed: Hex;
    readonly did: Did;
    readonly maxVersion: Version;
    readonly timestampWindowMs: number;
  };
  readonly asked: { readonly request: string; readonly nonce: string };
  readonly services: readonly KeyRecord[];
  readonly good: readonly GoodAnswer[];
  readonly bad: readonly BadAnswer[];
}

export function contentOf(length: number, from?: number): Uint8Array;
export function contentsOf(one: Pick<GoodAnswer, 'contentLengths'>): Uint8Array[];
export function goodOf(file: AnswerFile, name: string): GoodAnswer;
export function streamOf(
  file: AnswerFile,
  source: { readonly of?: string; readonly frames: readonly FrameSource[] },
  count?: number,
): Uint8Array;
