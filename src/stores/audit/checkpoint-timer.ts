/** How long entries wait for a checkpoint unless chosen otherwise: a minute. */
export const DEFAULT_CHECKPOINT_INTERVAL_MS = 60_000;

/** Has entries covered by a checkpoint before they are old: one is signed so long after the first entry that is in none. */
export class CheckpointTimer {
  readonly #intervalMs: number;
  readonly #sign: () => Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;

  /** `sign`: if it rejects, the next entry begins anew. */
  constructor(intervalMs: number, sign: () => Promise<unknown>) {
    this.#intervalMs = intervalMs;
    this.#sign = sign;
  }

  /** There are entries that no checkpoint has. */
  begin(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sign().catch(() => {});
    }, this.#intervalMs).unref();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
