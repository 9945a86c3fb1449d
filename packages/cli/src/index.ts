export { commands } from './commands.js';
export { type Command, type Output, run, UsageError } from './run.js';
