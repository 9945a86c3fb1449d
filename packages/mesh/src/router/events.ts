import type { ChannelKind } from '../channel.js';
import type { FailureClass } from './fallbacks.js';

/** A way that failed. */
export interface FailedWay {
  /** As the caller gave it. */
  readonly target: string;
  /** Which kind failed. */
  readonly from: ChannelKind;
  /** In which way. */
  readonly failure: FailureClass;
  /** Name of the rule. */
  readonly rule: string;
  /** Why. */
  readonly error: unknown;
  /** How long the attempt took, in ms, with asking whether the target can be had. Absent for a channel that was open and is lost. */
  readonly durationMs?: number;
  /** Whether the provider was to open a channel; else it said beforehand that it cannot. */
  readonly attempted: boolean;
}

/**
 * What the router tells. `target` is a DID, the id of a group or a URL, as the caller gave it; `channel` names one channel of the router, by
 * its target and what was asked for.
 */
export type RouterEvent =
  | {
      readonly type: 'established';
      readonly target: string;
      readonly channel: string;
      readonly kind: ChannelKind;
      /** Name of the row of the decision matrix. */
      readonly route: string;
      /** From the call to the open channel, attempts that failed included. */
      readonly durationMs: number;
      readonly postQuantum: boolean;
    }
  /** A way failed, and the rule says what follows. */
  | (FailedWay & { readonly type: 'fallback' })
  /** The other side showed a wrong identity: nothing else is tried. */
  | (FailedWay & { readonly type: 'refused' })
  | {
      readonly type: 'upgraded';
      readonly target: string;
      readonly channel: string;
      readonly from: ChannelKind;
      readonly to: ChannelKind;
      readonly durationMs: number;
      readonly postQuantum: boolean;
    }
  /** A better kind could not be had after all; the channel goes on as it was. */
  | {
      readonly type: 'upgrade-failed';
      readonly target: string;
      readonly channel: string;
      readonly from: ChannelKind;
      readonly to: ChannelKind;
      readonly durationMs: number;
      readonly error: unknown;
    }
  /** The other side opened a channel. `carries`: it is a new one, or carries from now on what is sent over the one there is. */
  | {
      readonly type: 'accepted';
      readonly target: string;
      readonly channel: string;
      readonly kind: ChannelKind;
      readonly postQuantum: boolean;
      readonly carries: boolean;
    }
  | {
      readonly type: 'closed';
      readonly target: string;
      readonly channel: string;
      readonly kind: ChannelKind;
      readonly by: string;
    }
  | { readonly type: 'fault'; readonly error: unknown };

/** Told of events. What it throws is ignored. */
export type RouterObserver = (event: RouterEvent) => void;

/** Tells all observers. */
export const teller =
  (observers: readonly RouterObserver[]) =>
  (event: RouterEvent): void => {
    for (const observer of observers) {
      try {
        observer(event);
      } catch {
        // An observer changes nothing.
      }
    }
  };
