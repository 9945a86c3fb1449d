import { parseArgs } from 'node:util';
import type { WebSocketClass } from '@private.me/xlink';
import { X0xDaemon } from '../api/daemon.js';
import { type Output, UsageError } from './output.js';
import { PLACE_OPTIONS, placesIn } from './place-options.js';

const OPTIONS = {
  ...PLACE_OPTIONS,
  relay: { type: 'string' },
  'relay-did': { type: 'string' },
  'api-port': { type: 'string' },
} as const;

/** `x0x start`: runs until SIGINT or SIGTERM. */
export async function start(args: readonly string[], { out, err }: Output): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true });
  const where = placesIn(values);
  const { relay, 'relay-did': relayDid, 'api-port': port } = values;
  const webSocket = relay === undefined ? undefined : await webSocketClass();
  const told = signals();
  try {
    const daemon = await X0xDaemon.start({
      ...where,
      ...(relay === undefined ? {} : { relayUrl: relay }),
      ...(relayDid === undefined ? {} : { relayDid }),
      ...(webSocket ? { webSocket } : {}),
      ...(port === undefined ? {} : { apiPort: portIn(port) }),
      observers: [
        (event) => {
          if (event.type === 'fault')
            err(`x0x: ${event.error instanceof Error ? event.error.message : 'something failed'}`);
        },
      ],
    });
    const { agent, machine, user, dataDir } = daemon.node.identity;
    out(`agent    ${agent.id}`);
    out(`machine  ${machine.id}`);
    if (user) out(`user     ${user.id}`);
    out(`api      http://${daemon.address} (token in ${dataDir}/api-token)`);
    out(`relay    ${relay ?? 'none: nobody is reached; start it with --relay URL'}`);
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

async function webSocketClass(): Promise<WebSocketClass | undefined> {
  try {
    return (await import('ws')).WebSocket as unknown as WebSocketClass;
  } catch {
    return undefined; // long poll does it, too
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
