/** Where a command writes to; without line ends. As in `@private.me/xlink-cli`. */
export interface Output {
  /** What was asked for. */
  readonly out: (line: string) => void;
  /** What went wrong, and words. */
  readonly err: (line: string) => void;
}

/** A command of `xlink`, as `@private.me/xlink-cli` has them. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` says. */
  readonly help: string;
  /** Resolves to the exit code. An error whose `code` begins with `ERR_PARSE_ARGS` is a mistake of the user. */
  readonly run: (args: readonly string[], output: Output) => Promise<number>;
}

/** A wrong call: what to say about it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** By which `xlink` knows that it was the user. */
  readonly code = 'ERR_PARSE_ARGS_XID';
}
