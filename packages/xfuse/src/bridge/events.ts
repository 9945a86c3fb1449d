import type { Comparison } from './comparison.js';

/** The two sides of a bridge. */
export type Side = 'legacy' | 'modern';

/** Why a request was not mirrored. */
export type NotMirrored =
  | 'write-without-key'
  | 'request-stream'
  | 'request-too-large'
  | 'busy'
  | 'legacy-failed'
  | 'legacy-refused';

/** What a bridge tells its observers. None holds a value from a request. */
export type BridgeEvent =
  | {
      /** A request was answered. */
      readonly type: 'request';
      /** Who answered. */
      readonly side: Side;
      /** `error`: no answer; otherwise by its status. */
      readonly outcome: 'ok' | 'refused' | 'failed' | 'error';
      /** Until the head of the answer, in ms. */
      readonly ms: number;
      /** Whether the legacy side answered in the place of the modern one. */
      readonly fellBack: boolean;
    }
  | {
      /** The modern side was called with the key, not with xLink: it does not offer xLink, or no enrollment. */
      readonly type: 'key-used';
    }
  | {
      /** A mirrored request was compared, or could not be. */
      readonly type: 'compared';
      readonly comparison: Comparison;
    }
  | {
      /** The ratio changed. */
      readonly type: 'ratio';
      /** Share of callers on the modern side before. */
      readonly from: number;
      /** Share of callers on the modern side now. */
      readonly to: number;
      /** `budget`: the bridge stepped back by itself. */
      readonly by: 'operator' | 'budget';
    };

/** Told what a bridge does. */
export type BridgeObserver = (event: BridgeEvent) => void;

/** Tells all; what they throw is theirs. */
export function tellAll(observers: readonly BridgeObserver[], event: BridgeEvent): void {
  for (const observer of observers) {
    try {
      observer(event);
    } catch {
      // An observer must not harm a request.
    }
  }
}
