/** Where a command reads and writes; lines without line ends. */
export interface Terminal {
  /** What was asked for. */
  readonly out: (line: string) => void;
  /** What went wrong, and words. */
  readonly err: (line: string) => void;
  /** Asks the user; `undefined` once the input has ended, or `signal` is aborted. */
  readonly ask: (question: string, signal?: AbortSignal) => Promise<string | undefined>;
}

/** A wrong call: what to say about it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** By which callers know that it was the user. */
  readonly code = 'ERR_PARSE_ARGS_XLOCK';
}
