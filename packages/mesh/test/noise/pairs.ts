import type { NoiseOptions } from '../../src/index.js';
import { identityOf, listen, providerOf, registryOf } from '../support.js';
import { type Change, flipped, tcpProxy, udpProxy } from './proxies.js';

/** Passes everything on. */
export const keep: Change = (message) => [message];
/** Turns one bit in the message with this index. */
export const flipAt =
  (index: number, place: number): Change =>
  (message, count) => [count === index ? flipped(message, place) : message];

/** Two providers that trust each other. */
export async function pairOf(
  options: Partial<NoiseOptions> = {},
  clientOptions: Partial<NoiseOptions> = options,
) {
  const [alice, bob] = await Promise.all([identityOf('alice'), identityOf('bob')]);
  const registry = await registryOf(alice, bob);
  const server = providerOf({ identity: bob, registry, ...options });
  const client = providerOf({ identity: alice, registry, ...clientOptions });
  return { alice, bob, registry, server, client };
}

/** The same with somebody in between. */
export async function overTcp(
  toServer: Change,
  toClient: Change = keep,
  options: Partial<NoiseOptions> = {},
) {
  const pair = await pairOf(options);
  const listening = await listen(pair.server, 'tcp://127.0.0.1:0');
  const address = await tcpProxy(listening.address, toServer, toClient);
  const open = () => pair.client.open({ did: pair.bob.did, addresses: [address] }, { timeoutMs: 3_000 });
  return { ...pair, listening, open };
}

/** The same over UDP. */
export async function overUdp(
  toServer: Change,
  toClient: Change = keep,
  options: Partial<NoiseOptions> = {},
) {
  const pair = await pairOf({ retransmitMs: 30, retransmitMaxMs: 200, ...options });
  const listening = await listen(pair.server, 'udp://127.0.0.1:0');
  const address = await udpProxy(listening.address, toServer, toClient);
  const open = async () => {
    const channel = await pair.client.open({ did: pair.bob.did, addresses: [address] }, { timeoutMs: 5_000 });
    return [channel, await listening.next()] as const;
  };
  return { ...pair, listening, open };
}
