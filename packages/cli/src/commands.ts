import { auditCommand } from './audit.js';
import { identityCommand } from './identity.js';
import { relayCommand } from './relay.js';
import type { Command } from './run.js';
import { serveCommand } from './server/serve.js';
import { transferCommand } from './transfer.js';

/** Every command of `xlink`, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  audit: auditCommand,
  identity: identityCommand,
  relay: relayCommand,
  serve: serveCommand,
  transfer: transferCommand,
};
