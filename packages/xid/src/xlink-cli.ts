import type { Command } from './cli/output.js';
import { xidCommand } from './cli/xid-command.js';

/** What `@private.me/xlink-cli` loads where this package is installed: the command `xlink xid`. */
const module: {
  /** For messages about it. */
  readonly name: string;
  /** By the word after `xlink`. */
  readonly commands: Readonly<Record<string, Command>>;
} = { name: 'xid', commands: { xid: xidCommand } };

export default module;
