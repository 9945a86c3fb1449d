import { invalidOption } from '../util/options.js';

/** Where an agent listens. */
export interface Address {
  readonly transport: 'tcp' | 'udp' | 'websocket';
  readonly host: string;
  readonly port: number;
  /** The whole URL, for WebSockets. */
  readonly url: string;
}

const TRANSPORTS = { 'tcp:': 'tcp', 'udp:': 'udp', 'ws:': 'websocket', 'wss:': 'websocket' } as const;

/** Reads `tcp://host:port`, `udp://host:port`, `ws://…` or `wss://…`. Throws `INVALID_OPTION`. */
export function addressOf(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const transport = TRANSPORTS[url?.protocol as keyof typeof TRANSPORTS];
  const isWeb = transport === 'websocket';
  const port = url?.port ? Number(url.port) : url?.protocol === 'wss:' ? 443 : 80;
  if (!url || !transport || url.username || url.password || (!isWeb && !url.port))
    throw invalidOption('address', 'An address is tcp://host:port, udp://host:port, ws://… or wss://….');
  return { transport, host: url.hostname.replace(/^\[|\]$/g, ''), port, url: text };
}

/** Those of the transport first, else in the same order. */
export const byPreference = (
  addresses: readonly Address[],
  prefer: Address['transport'] | undefined,
): readonly Address[] => [
  ...addresses.filter(({ transport }) => transport === prefer),
  ...addresses.filter(({ transport }) => transport !== prefer),
];
