/** What a {@link SignalProvider} tells its observers. DIDs are names; no event holds a key or content. */
export type SignalEvent =
  /** A session began. `lastResort`: without a one-time key, so that its first message is protected less. */
  | {
      readonly type: 'session-opened';
      readonly did: string;
      readonly by: 'local' | 'peer';
      readonly lastResort: boolean;
      readonly rekey: boolean;
    }
  /** ALERT: a ratchet has not turned for longer than `staleMs`: who has read its keys may read on. */
  | { readonly type: 'ratchet-stale'; readonly did: string; readonly ageMs: number }
  /** A heartbeat was sent. */
  | { readonly type: 'heartbeat'; readonly did: string }
  /** ALERT: stored state is older than what was used. It was not used; a new handshake follows. `did` absent: the prekeys. */
  | { readonly type: 'state-rolled-back'; readonly did?: string }
  /** A message was refused. `id` is that of the error. */
  | { readonly type: 'message-refused'; readonly did: string; readonly id: string }
  /** What came was refused before its sender was proven. `id` is that of the error: `TIMESTAMP_EXPIRED` for what waited longer than `maxAgeMs`. */
  | { readonly type: 'envelope-refused'; readonly id: string; readonly error: unknown }
  /** WARNING, at the start: the carrier refuses what waited for longer than this, in ms, so that messages to this agent while it is away are lost. */
  | { readonly type: 'late-messages-lost'; readonly maxAgeMs: number; readonly remedy: string }
  /** A listener of a channel rejected; the message counts as handed out. */
  | { readonly type: 'listener-failed'; readonly did: string; readonly error: unknown }
  /** Prekeys were published. `waiting`: one-time keys in the directory since. */
  | { readonly type: 'prekeys-published'; readonly waiting: number; readonly replaced: boolean }
  /** ALERT: something that runs by itself failed; it is tried again. `id` is that of the error. */
  | {
      readonly type: 'maintenance-failed';
      readonly what: 'prekeys' | 'heartbeat' | 'rekey';
      readonly id: string;
      readonly error: unknown;
    };

/** Told of events. What it throws is ignored. */
export type SignalObserver = (event: SignalEvent) => void;

/** Tells all observers. */
export const teller =
  (observers: readonly SignalObserver[]) =>
  (event: SignalEvent): void => {
    for (const observer of observers) {
      try {
        observer(event);
      } catch {} // an observer changes nothing
    }
  };
