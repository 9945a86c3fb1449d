import type { Command } from '../run.js';
import { SERVE_HELP } from './serve-options.js';

/** `xlink serve`. The server is loaded when it is asked for. */
export const serveCommand: Command = {
  summary: 'the identity server: agents, registry, services, invites, prekeys, relay, audit',
  help: SERVE_HELP,
  run: async (args, output) => (await import('./serve.js')).serve(args, output),
};
