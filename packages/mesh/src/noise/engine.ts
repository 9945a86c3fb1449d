import type { SecureChannel } from '../channel.js';
import { isMeshError, MeshError } from '../errors/mesh-error.js';
import { checkNames, checkValue, invalidOption, isText } from '../util/options.js';
import { openStream, type PartsOf } from './connect.js';
import { noiseKeyOf } from './identity-payload.js';
import type { ListenOptions, NoiseSettings } from './options.js';
import type { MessagePipe } from './pipe.js';
import type { HandshakePlan, NoiseParty } from './run-handshake.js';
import { watchTrust } from './trust.js';

type Transport = HandshakePlan['transport'];

/** Measures a handshake. */
export type StartChannel = (play: () => Promise<SecureChannel>) => Promise<SecureChannel>;

/** Takes connections in. */
export interface Acceptor {
  /** Plays the handshake of a connection; never rejects. */
  accept(pipe: MessagePipe): void;
  /** The only DID that is let in. */
  readonly peer: string | undefined;
  /** Handshakes under way. */
  readonly handshakes: number;
  /** Ends the handshakes under way. */
  stop(): void;
}

/** What all endpoints of a provider share. */
export class NoiseEngine {
  readonly settings: NoiseSettings;
  #party: Promise<NoiseParty> | undefined;

  constructor(settings: NoiseSettings) {
    this.settings = settings;
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
  readonly partsOf: PartsOf = (proven) => {
    const { limits, clock, registry, recheckMs, registryGraceMs: graceMs } = this.settings;
    return {
      proven,
      limits,
      clock,
      onFault: (error) => this.fault(error),
      watch: (lost) => watchTrust(registry, proven.did, { recheckMs, graceMs, clock }, lost),
    };
  };

  /** Tells of what nobody waits for. */
  fault(error: unknown): void {
    this.settings.onEvent({ type: 'fault', error });
  }

  /** Plays a handshake and tells how it went. */
  async timed<T>(role: 'initiator' | 'responder', transport: Transport, play: () => Promise<T>): Promise<T> {
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
      tell('failed', { error });
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
    const { maxHandshakes, handshakeTimeoutMs: timeoutMs } = this.settings;
    const open = async (pipe: MessagePipe) => {
      const abort = new AbortController();
      underWay.add(abort);
      try {
        const plan = this.plan({ isInitiator: false, transport, expected });
        const bounds = { timeoutMs, signal: abort.signal };
        const channel = await this.timed('responder', transport, async () =>
          openStream(pipe, await this.party(), plan, bounds, this.partsOf),
        );
        onChannel(channel);
      } catch (error) {
        pipe.destroy();
        // The handshake was told of; what else fails is the listener's.
        if (!isMeshError(error)) this.fault(error);
      } finally {
        underWay.delete(abort);
      }
    };
    return {
      peer: expected,
      get handshakes() {
        return underWay.size;
      },
      accept: (pipe) => {
        if (underWay.size < maxHandshakes) return void open(pipe);
        pipe.destroy();
        this.fault(new MeshError('NOISE_HANDSHAKE_FAILED:BUSY'));
      },
      stop: () => {
        for (const abort of underWay) abort.abort();
      },
    };
  }
}
