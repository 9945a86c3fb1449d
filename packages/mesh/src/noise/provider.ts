import type { ChannelProvider, OpenOptions, Reach, SecureChannel, Target } from '../channel.js';
import { isMeshError, MeshError } from '../errors/mesh-error.js';
import { invalidOption } from '../util/options.js';
import { type Address, addressOf } from './address.js';
import { openStream } from './connect.js';
import type { StartChannel } from './engine.js';
import { NoiseEngine } from './engine.js';
import { type ListenOptions, type NoiseOptions, noiseSettings } from './options.js';
import { dialTcp, listenTcp, probe } from './tcp-endpoint.js';
import { UdpEndpoint } from './udp/endpoint.js';
import {
  dialWebSocket,
  listenWebSocket,
  type UpgradeHandler,
  webSocketUpgrade,
} from './websocket-endpoint.js';

/** A place where channels come in. */
export interface NoiseListener {
  /** Where it listens, with the port that was chosen. */
  readonly address: string;
  /** Handshakes under way. */
  readonly handshakes: number;
  /** Takes no more handshakes, and ends those under way. Channels that are open go on. */
  close(): Promise<void>;
}

/** Opens Noise channels to agents that are online, and listens for those of others. */
export class NoiseProvider implements ChannelProvider {
  readonly kind = 'noise';
  readonly #engine: NoiseEngine;
  readonly #udp = new Map<string, UdpEndpoint>();

  /** Throws `INVALID_OPTION`. */
  constructor(options: NoiseOptions) {
    this.#engine = new NoiseEngine(noiseSettings(options));
  }

  /** Tries to connect, except over UDP, where only a handshake would tell. */
  async canReach(target: Target, signal?: AbortSignal): Promise<Reach> {
    const { addressesOf, probeTimeoutMs, suite } = this.#engine.settings;
    if (target.did === undefined) return { state: 'unsupported', why: 'no DID' };
    const addresses = await addressesOf(target);
    const postQuantum = suite.isHybrid;
    if (addresses.length === 0) return { state: 'unreachable', why: 'no address' };
    const causes: unknown[] = [];
    for (const address of addresses) {
      if (address.transport === 'udp') return { state: 'online', why: 'not probed', postQuantum };
      const { latencyMs, error } = await probe(address, probeTimeoutMs, signal);
      if (latencyMs !== undefined) return { state: 'online', latencyMs, postQuantum };
      causes.push(error);
    }
    const cause = causes.length === 1 ? causes[0] : new AggregateError(causes, 'no address answered');
    return { state: 'unreachable', why: 'no connection', postQuantum, cause };
  }

  /** Throws `NOISE_…`; the addresses are tried in their order. A mismatch of identity at one of them ends the attempt. */
  async open(target: Target, options: OpenOptions = {}): Promise<SecureChannel> {
    const { suite, addressesOf } = this.#engine.settings;
    const { did } = target;
    if (did === undefined) throw invalidOption('did', 'NoiseProvider: a target needs a DID.');
    if (options.postQuantum && !suite.isHybrid)
      throw new MeshError('NOISE_HANDSHAKE_FAILED', {
        field: 'postQuantum',
        hint: 'Set `hybrid: true` on both sides to have a post-quantum handshake.',
      });
    const all = await addressesOf(target);
    const addresses = all.filter(({ transport }) => !options.transport || transport === options.transport);
    let failure: unknown = new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', {
      field: 'addresses',
      hint: 'No address of the target is known for this transport.',
    });
    for (const address of addresses) {
      try {
        return await this.#dial(address, did, options);
      } catch (error) {
        failure = error;
        if (isMeshError(error, 'NOISE_IDENTITY_MISMATCH') || options.signal?.aborted) break;
      }
    }
    throw failure;
  }

  /** Listens at `tcp://…`, `udp://…` or `ws://…`; port 0 takes a free one. `onChannel` gets each channel once its identity is proven. */
  async listen(
    address: string,
    onChannel: (channel: SecureChannel) => void,
    options: ListenOptions = {},
  ): Promise<NoiseListener> {
    const at = addressOf(address);
    const accept = this.#engine.acceptor(onChannel, options, at.transport);
    if (at.transport === 'tcp') return listenTcp(at, accept);
    if (at.transport === 'websocket') return listenWebSocket(at, accept);
    return UdpEndpoint.open(this.#engine, at, { onChannel, peer: accept.peer });
  }

  /** Takes channels in from the WebSocket upgrades of a server of yours: `server.on('upgrade', handler)`. */
  async upgrades(
    onChannel: (channel: SecureChannel) => void,
    options: ListenOptions = {},
  ): Promise<UpgradeHandler> {
    return webSocketUpgrade(this.#engine.acceptor(onChannel, options, 'websocket'));
  }

  /** Lets go of the UDP sockets that it opened for channels to others. Those channels end. */
  async close(): Promise<void> {
    const endpoints = [...this.#udp.values()];
    this.#udp.clear();
    await Promise.all(endpoints.map((endpoint) => endpoint.close(true)));
  }

  async #dial(address: Address, did: string, options: OpenOptions): Promise<SecureChannel> {
    const { settings } = this.#engine;
    const bounds = {
      timeoutMs: options.timeoutMs ?? settings.handshakeTimeoutMs,
      signal: options.signal,
    };
    const start: StartChannel = async (play) => this.#engine.timed('initiator', address.transport, play);
    const plan = this.#engine.plan({ isInitiator: true, transport: address.transport, expected: did });
    if (address.transport === 'udp') {
      const endpoint = await this.#udpEndpoint(address);
      return start(() => endpoint.connect(address, plan, bounds));
    }
    return start(async () => {
      const dial = address.transport === 'tcp' ? dialTcp : dialWebSocket;
      const pipe = await dial(address, bounds);
      return openStream(pipe, await this.#engine.party(), plan, bounds, this.#engine);
    });
  }

  /** One socket for each family of addresses. */
  async #udpEndpoint({ host }: Address): Promise<UdpEndpoint> {
    const local = host.includes(':') ? '::' : '0.0.0.0';
    const known = this.#udp.get(local);
    if (known) return known;
    const endpoint = await UdpEndpoint.open(this.#engine, { host: local, port: 0 }, undefined);
    this.#udp.set(local, endpoint);
    return endpoint;
  }
}
