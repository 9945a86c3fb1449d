import { type Command, x0xCommand } from './commands.js';

/** What `@private.me/xlink-cli` loads where this package is installed: the command `xlink x0x`. */
const module: {
  /** For messages about it. */
  readonly name: string;
  /** By the word after `xlink`. */
  readonly commands: Readonly<Record<string, Command>>;
} = { name: 'x0x', commands: { x0x: x0xCommand } };

export default module;
