import type { X0xId } from '../identity/ids.js';
import type { TrustDecision } from '../trust/evaluate.js';

/** What a daemon or a guard tells; `type` tells the events apart. None holds a key, a token or the content of a message. */
export type X0xEvent =
  | {
      /** An announcement came, or was sent. */
      readonly type: 'announcement';
      readonly direction: 'in' | 'out';
      /** `ok`, or the id of the error with which it was passed over. */
      readonly outcome: string;
      readonly agentId: X0xId | undefined;
    }
  | {
      /** A direct message came, or was sent. */
      readonly type: 'message';
      readonly direction: 'in' | 'out';
      readonly outcome: string;
      readonly agentId: X0xId | undefined;
    }
  | {
      /** A card was imported, or refused. */
      readonly type: 'card';
      readonly outcome: string;
    }
  | {
      /** A revocation became known, or was refused. */
      readonly type: 'revocation';
      readonly outcome: string;
    }
  | {
      /** A guard of an API decided. */
      readonly type: 'guard';
      readonly guard: 'trust' | 'human';
      /** `ok`, or the reason of the refusal. */
      readonly outcome: string;
      /** What came of agent and machine; absent where it did not get that far. */
      readonly decision?: TrustDecision;
    }
  | {
      /** Something failed where nobody waits for an answer, such as a heartbeat. */
      readonly type: 'fault';
      readonly error: unknown;
    };

/** Told about events; what it throws is ignored, and it is not awaited. */
export type X0xObserver = (event: X0xEvent) => void;

/** Tells all of them. */
export function tellAll(observers: readonly X0xObserver[], event: X0xEvent): void {
  for (const observer of observers) {
    try {
      Promise.resolve(observer(event) as unknown).catch(() => {});
    } catch {
      // its own fault
    }
  }
}
