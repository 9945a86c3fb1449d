import type { WebSocketClass } from '@private.me/xlink';
import type { X0xEvent } from '../announce/events.js';
import { X0xDaemon } from '../api/daemon.js';
import { toldWith } from '../util/causes.js';
import { patiently } from './caller.js';
import { type Output, UsageError } from './output.js';
import { PLACE_OPTIONS, placesIn } from './place-options.js';
import { assertWords, parsed } from './words.js';

const OPTIONS = {
  ...PLACE_OPTIONS,
  relay: { type: 'string' },
  'relay-did': { type: 'string' },
  websocket: { type: 'boolean', default: false },
  'api-port': { type: 'string' },
} as const;

/** `x0x start`: runs until SIGINT or SIGTERM. */
export async function start(args: readonly string[], { out, err }: Output): Promise<number> {
  const { values, positionals } = parsed('start', args, OPTIONS);
  assertWords('start', positionals, [0, 0]);
  const where = placesIn(values);
  const { relay, 'relay-did': relayDid, 'api-port': port } = values;
  const webSocket = values.websocket ? await webSocketClass() : undefined;
  const told = signals();
  try {
    const options = {
      ...where,
      ...(relay === undefined ? {} : { relayUrl: relay }),
      ...(relayDid === undefined ? {} : { relayDid }),
      ...(webSocket ? { webSocket } : {}),
      ...(port === undefined ? {} : { apiPort: portIn(port) }),
      observers: [
        (event: X0xEvent) => {
          if (event.type === 'fault') err(`x0x: ${toldWith(event.error)}${relay ? ` (relay ${relay})` : ''}`);
        },
      ],
    };
    const daemon = await patiently(() => X0xDaemon.start(options));
    const { agent, machine, user, dataDir } = daemon.node.identity;
    out(`agent    ${agent.id}`);
    out(`machine  ${machine.id}`);
    if (user) out(`user     ${user.id}`);
    out(`api      http://${daemon.address} (token in ${dataDir}/api-token)`);
    out(`relay    ${relay ?? 'none: nobody is reached; start it with --relay URL'}`);
    if (relay !== undefined) out(`receives by ${webSocket ? 'WebSocket' : 'long poll'}`);
    const { revocations } = daemon.node;
    if (revocations.isAgentRevoked(agent.id) || revocations.isMachineRevoked(machine.id))
      err('x0x: this agent or its machine was revoked: it announces and sends nothing. Make a new identity.');
    await told.toStop;
    await daemon.stop();
  } finally {
    told.end();
  }
  out('stopped');
  return 0;
}

function portIn(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new UsageError('--api-port must be a port from 0 to 65535');
}

async function webSocketClass(): Promise<WebSocketClass> {
  try {
    return (await import('ws')).WebSocket as unknown as WebSocketClass;
  } catch {
    throw new UsageError('--websocket needs the package ws: npm install ws');
  }
}

/** Until `end`, further signals are taken as the first one was. */
function signals(): { readonly toStop: Promise<void>; readonly end: () => void } {
  const names = ['SIGINT', 'SIGTERM'] as const;
  let stop = () => {};
  const toStop = new Promise<void>((resolve) => {
    stop = () => resolve();
  });
  for (const name of names) process.on(name, stop);
  return {
    toStop,
    end() {
      for (const name of names) process.off(name, stop);
    },
  };
}
