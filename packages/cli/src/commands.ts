import { identityCommand } from './identity.js';
import { relayCommand } from './relay.js';
import type { Command } from './run.js';

/** Every command of `xlink`, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  identity: identityCommand,
  relay: relayCommand,
};
