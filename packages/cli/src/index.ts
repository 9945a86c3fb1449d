export { commands } from './commands.js';
export { EXIT_CODES, type ExitRow } from './failures.js';
export { main } from './main.js';
export { type Command, type CommandTable, type Output, run, UsageError } from './run.js';
