import { type MeshErrorRow, row } from './row.js';

/** Errors of the router, of its configuration, and of channels in general. */
// biome-ignore format: a table reads best with one row per line
export const ROUTER_ERRORS = {
  INVALID_OPTION: row(500, 'configuration', 'An option is wrong.', 'See `field`.'),
  CONFIG_INVALID: row(500, 'configuration', 'The configuration is not in form.', 'See `field`.'),
  'CONFIG_INVALID:UNREADABLE': row(500, 'configuration', 'The configuration file cannot be read.', 'See `cause`.'),
  CHANNEL_CLOSED: row(409, 'router', 'The channel is closed.', 'Open a new one with establishChannel().'),
  ROUTE_NOT_FOUND: row(503, 'router', 'No channel of any allowed kind could be opened.', 'See `cause`: it lists what each provider answered.'),
  'ROUTE_NOT_FOUND:NO_PROVIDER': row(500, 'router', 'No provider was given for what this target needs.', 'Give the router the provider that `field` names.'),
  'ROUTE_NOT_FOUND:NO_ADDRESS': row(503, 'router', 'No address of the target is known, and there is no other way to it.', 'Give `addresses` to establishChannel() or to the NoiseProvider, or the router a provider for peers that are away.'),
  'ROUTE_NOT_FOUND:UNREACHABLE': row(503, 'router', 'The target does not answer, and there is no other way to it.', 'Check that it runs and that its address is right, see `cause`; or give the router a provider for peers that are away.'),
  SEND_FAILED: row(502, 'router', 'The message was not sent.', 'See `cause`.'),
  SERVICE_REFUSED: row(502, 'router', 'The service refused the message.', 'See `cause` for its status.'),
  ROLE_MISSING: row(403, 'router', 'The other side does not have the role that this needs.', 'Bind the role to its DID in `roles`. In a group ask the sender of the message.'),
} as const satisfies Record<string, MeshErrorRow>;
