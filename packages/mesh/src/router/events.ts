import type { ChannelKind } from '../channel.js';
import type { FailureClass } from './fallbacks.js';

/** What the router tells. `target` is a DID, the id of a group or a URL, as the caller gave it. */
export type RouterEvent =
  | {
      readonly type: 'established';
      readonly target: string;
      readonly kind: ChannelKind;
      /** Name of the row of the decision matrix. */
      readonly route: string;
      /** From the call to the open channel, attempts that failed included. */
      readonly durationMs: number;
      readonly postQuantum: boolean;
    }
  | {
      readonly type: 'fallback';
      readonly target: string;
      readonly from: ChannelKind;
      readonly failure: FailureClass;
      /** Name of the rule. */
      readonly rule: string;
      readonly error: unknown;
    }
  | {
      readonly type: 'upgraded';
      readonly target: string;
      readonly from: ChannelKind;
      readonly to: ChannelKind;
      readonly postQuantum: boolean;
    }
  | { readonly type: 'accepted'; readonly target: string; readonly kind: ChannelKind }
  | { readonly type: 'closed'; readonly target: string; readonly kind: ChannelKind; readonly by: string }
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
