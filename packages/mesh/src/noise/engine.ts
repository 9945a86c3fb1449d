import type { SecureChannel } from '../channel.js';
import { isMeshError } from '../errors/mesh-error.js';
import { checkNames, checkValue, invalidOption, isText } from '../util/options.js';
import type { ChannelParts, NoiseChannelBase } from './channel-base.js';
import { ChannelPlaces } from './channel-places.js';
import { type ChannelMaker, openStream } from './connect.js';
import { HandshakePlaces } from './handshake-places.js';
import { noiseKeyOf } from './identity-payload.js';
import type { ListenOptions, NoiseSettings } from './options.js';
import type { MessagePipe } from './pipe.js';
import type { HandshakePlan, NoiseParty, ProvenHandshake } from './run-handshake.js';
import { TrustWatch } from './trust-watch.js';

type Transport = HandshakePlan['transport'];

/** Measures a handshake. */
export type StartChannel = (play: () => Promise<SecureChannel>) => Promise<SecureChannel>;

/** Takes connections in. */
export interface Acceptor {
  /** Plays the handshake of a connection from an address; never rejects. */
  accept(pipe: MessagePipe, address: string | undefined): void;
  /** The only DID that is let in. */
  readonly peer: string | undefined;
  /** Handshakes under way. */
  readonly handshakes: number;
  /** Ends the handshakes under way. */
  stop(): void;
}

/** What all endpoints of a provider share. */
export class NoiseEngine implements ChannelMaker {
  readonly settings: NoiseSettings;
  readonly #trust: TrustWatch;
  readonly #places: ChannelPlaces;
  #party: Promise<NoiseParty> | undefined;

  constructor(settings: NoiseSettings) {
    this.settings = settings;
    const { registry, recheckMs, registryGraceMs: graceMs, clock } = settings;
    this.#trust = new TrustWatch(registry, { recheckMs, graceMs, clock });
    this.#places = new ChannelPlaces(settings.maxChannelsPerDid);
  }

  /** This side. */
  party(): Promise<NoiseParty> {
    const { identity, registry, keyRecord, postQuantumSig, clock } = this.settings;
    this.#party ??= noiseKeyOf(identity).then((staticKey) => ({
      identity,
      staticKey,
      registry,
      keyRecord,
      postQuantumSig,
      clock,
    }));
    return this.#party;
  }

  /** What a handshake is about. */
  plan(of: Pick<HandshakePlan, 'isInitiator' | 'transport' | 'expected'>): HandshakePlan {
    return { ...of, suite: this.settings.suite, isPaired: this.settings.paired };
  }

  /** The parts of a channel. */
  partsOf(proven: ProvenHandshake): ChannelParts {
    const { limits, clock } = this.settings;
    return {
      proven,
      limits,
      clock,
      onFault: (error) => this.fault(error),
      watch: (lost) => this.#trust.watch(proven.did, lost),
    };
  }

  /** Lets a channel in that the other side opened. Throws `NOISE_LIMIT:CHANNELS`. */
  admit(channel: NoiseChannelBase): Promise<void> {
    return this.#places.admit(channel);
  }

  /** Tells of what nobody waits for. */
  fault(error: unknown): void {
    this.settings.onEvent({ type: 'fault', error });
  }

  /** Plays a handshake and tells how it went, unless `isNone` says of its error that there was none. */
  async timed<T>(
    role: 'initiator' | 'responder',
    transport: Transport,
    play: () => Promise<T>,
    isNone: (error: unknown) => boolean = () => false,
  ): Promise<T> {
    const began = performance.now();
    const tell = (outcome: 'ok' | 'failed', more: { readonly error?: unknown }) => {
      const durationMs = performance.now() - began;
      this.settings.onEvent({ type: 'handshake', role, transport, outcome, durationMs, ...more });
    };
    try {
      const done = await play();
      tell('ok', {});
      return done;
    } catch (error) {
      if (!isNone(error)) tell('failed', { error });
      throw error;
    }
  }

  /** Checks the options of a listener. Throws `INVALID_OPTION`. */
  expectedOf(options: ListenOptions): string | undefined {
    checkNames('listen', options, ['peer']);
    checkValue('listen', 'peer', options.peer, isText, 'a DID');
    if (this.settings.paired && options.peer === undefined)
      throw invalidOption('peer', 'listen: with `paired`, a listener needs the DID of its only peer.');
    return options.peer;
  }

  /** Takes connections of TCP or WebSocket in. */
  acceptor(
    onChannel: (channel: SecureChannel) => void,
    options: ListenOptions,
    transport: Transport,
  ): Acceptor {
    const expected = this.expectedOf(options);
    const underWay = new Set<AbortController>();
    const places = new HandshakePlaces(this.settings);
    const open = async (pipe: MessagePipe, leave: () => void) => {
      const abort = new AbortController();
      underWay.add(abort);
      try {
        const plan = this.plan({ isInitiator: false, transport, expected });
        const bounds = { timeoutMs: this.settings.handshakeTimeoutMs, signal: abort.signal };
        const play = async () => openStream(pipe, await this.party(), plan, bounds, this);
        // Who only looked whether somebody listens, as canReach does, began no handshake.
        const isNone = (error: unknown) =>
          !pipe.hasBegun && isMeshError(error, 'NOISE_HANDSHAKE_FAILED:CONNECTION');
        const channel = await this.timed('responder', transport, play, isNone);
        onChannel(channel);
      } catch (error) {
        if (!isMeshError(error, 'NOISE_LIMIT:CHANNELS')) pipe.destroy();
        // The handshake was told of; what else fails is the listener's.
        if (!isMeshError(error)) this.fault(error);
      } finally {
        underWay.delete(abort);
        leave();
      }
    };
    return {
      peer: expected,
      get handshakes() {
        return places.taken;
      },
      accept: (pipe, address = '') => {
        try {
          void open(pipe, places.take(address));
        } catch (error) {
          pipe.destroy();
          this.fault(error);
        }
      },
      stop: () => {
        for (const abort of underWay) abort.abort();
      },
    };
  }
}
