import { relayCommand } from './relay.js';
import type { Command } from './run.js';

/** Every command of `xlink`, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = { relay: relayCommand };
