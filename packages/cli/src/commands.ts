import { acceptCommand } from './accept.js';
import { auditCommand } from './audit.js';
import { completionCommand } from './completion.js';
import { connectCommand } from './connect.js';
import { createCommand } from './create.js';
import { curlCommand } from './curl.js';
import { deployCommand } from './deploy/deploy.js';
import { doctorCommand } from './doctor.js';
import { identityCommand } from './identity.js';
import { initCommand } from './init.js';
import { inviteCommand } from './invite.js';
import { keysCommand } from './keys.js';
import { lookupCommand } from './lookup.js';
import { migrateCommand } from './migrate.js';
import { receiveCommand } from './receive.js';
import { registerCommand } from './register.js';
import { relayCommand } from './relay.js';
import { reportCommand } from './report.js';
import { revokeCommand } from './revoke.js';
import { rotateCommand } from './rotate.js';
import type { Command } from './run.js';
import { scopesCommand } from './scopes.js';
import { sendCommand } from './send.js';
import { serveCommand } from './server/serve-command.js';
import { transferCommand } from './transfer.js';

/** Every command of `xlink`, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  accept: acceptCommand,
  audit: auditCommand,
  completion: completionCommand,
  connect: connectCommand,
  create: createCommand,
  curl: curlCommand,
  deploy: deployCommand,
  doctor: doctorCommand,
  identity: identityCommand,
  init: initCommand,
  invite: inviteCommand,
  keys: keysCommand,
  lookup: lookupCommand,
  migrate: migrateCommand,
  receive: receiveCommand,
  register: registerCommand,
  relay: relayCommand,
  report: reportCommand,
  revoke: revokeCommand,
  rotate: rotateCommand,
  scopes: scopesCommand,
  send: sendCommand,
  serve: serveCommand,
  transfer: transferCommand,
};
