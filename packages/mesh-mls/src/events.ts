/** What a client tells about itself and its groups. Holds no key and no message. */
export type MlsEvent =
  /** This agent is in a group, by its own making, an invitation (`by` signed the welcome) or the group info. */
  | { readonly type: 'joined'; readonly group: string; readonly by: string }
  /** A commit was applied: who signed it, who came, who went. */
  | {
      readonly type: 'epoch';
      readonly group: string;
      readonly epoch: number;
      readonly by: string;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  /** This agent is no member any more. */
  | { readonly type: 'removed'; readonly group: string }
  /** Something of the log was dropped; `id` is the key of the error table, `by` who brought it, as the server says. */
  | { readonly type: 'refused'; readonly group: string; readonly by: string; readonly id: string }
  /** Something failed in the background. What may pass is tried again. */
  | { readonly type: 'fault'; readonly group?: string; readonly error: unknown };

/** Told what happens. What it throws is ignored. */
export type MlsObserver = (event: MlsEvent) => void;

/** Calls an observer that may throw. */
export function tellTo(observer: MlsObserver | undefined, event: MlsEvent): void {
  try {
    observer?.(event);
  } catch {
    // an observer changes nothing
  }
}
