import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import type { SecureChannel } from '../../channel.js';
import { isMeshError, MeshError } from '../../errors/mesh-error.js';
import { concat, u32 } from '../../util/bytes.js';
import type { Address } from '../address.js';
import { TOO_MANY_CHANNELS, tooManyChannels } from '../channel-places.js';
import type { HandshakeBounds } from '../connect.js';
import type { NoiseEngine } from '../engine.js';
import { HandshakePlaces } from '../handshake-places.js';
import type { NoiseListener } from '../provider.js';
import { type HandshakePlan, type ProvenHandshake, runHandshake } from '../run-handshake.js';
import { UdpChannel } from './channel.js';
import { Cookies, type Remote } from './cookies.js';
import { UdpHandshake } from './handshaker.js';
import { COOKIE_LENGTH, type FragmentPacket, fragmentsOf, readFragment, TYPE } from './packet.js';

/** What an index stands for: a handshake, and the channel that comes of it. */
interface Session {
  readonly remote: Remote;
  readonly handshake: UdpHandshake;
  /** Index that the other side chose, once it is known. */
  receiver: number | undefined;
  /** The answer to a cookie request. */
  cookie: Uint8Array;
  channel: UdpChannel | undefined;
  /** Whether this side has sent its answer to what came: the second message, or the third. */
  isAnswered: boolean;
  /** `address port index` of the initiator, in sessions of a responder. */
  readonly name: string | undefined;
}

/** Who takes channels in; absent where the socket only serves channels to others. */
interface Accepting {
  readonly onChannel: (channel: SecureChannel) => void;
  readonly peer: string | undefined;
}

const NO_COOKIE = new Uint8Array(COOKIE_LENGTH);

/** One UDP socket with all of its handshakes and channels. */
export class UdpEndpoint implements NoiseListener {
  readonly address: string;
  readonly #engine: NoiseEngine;
  readonly #socket: Socket;
  readonly #accepting: Accepting | undefined;
  readonly #cookies: Cookies;
  readonly #sessions = new Map<number, Session>();
  /** Handshakes of others that are under way, by the name of the initiator; and channels, to answer what was sent again. */
  readonly #byName = new Map<string, Session>();
  readonly #places: HandshakePlaces;
  #isClosing = false;

  private constructor(engine: NoiseEngine, socket: Socket, accepting: Accepting | undefined) {
    const { address, family, port } = socket.address();
    this.address = `udp://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    this.#engine = engine;
    this.#socket = socket;
    this.#accepting = accepting;
    this.#cookies = new Cookies(engine.settings.clock);
    this.#places = new HandshakePlaces(engine.settings);
    socket.on('message', (packet, from) => this.#take(packet, from));
    socket.on('error', (error) => engine.fault(error));
  }

  /** Binds a socket. */
  static async open(
    engine: NoiseEngine,
    { host, port }: Pick<Address, 'host' | 'port'>,
    accepting: Accepting | undefined,
  ): Promise<UdpEndpoint> {
    const address = await resolve(host);
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    socket.bind(port, address);
    await once(socket, 'listening');
    if (!accepting) socket.unref();
    return new UdpEndpoint(engine, socket, accepting);
  }

  get handshakes(): number {
    return this.#places.taken;
  }

  /** Takes no more handshakes; with `all`, or where no channel is open any more, the socket closes. */
  async close(all = false): Promise<void> {
    this.#isClosing = true;
    for (const session of [...this.#sessions.values()]) {
      if (session.channel && all) await session.channel.close();
      else if (!session.channel) session.handshake.fail(new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION'));
    }
    this.#closeIfEmpty();
  }

  /** Opens a channel. Throws `NOISE_…`. */
  async connect(address: Address, plan: HandshakePlan, bounds: HandshakeBounds): Promise<UdpChannel> {
    const remote = { address: await resolve(address.host), port: address.port };
    const index = this.#newIndex();
    const session = this.#session(remote, undefined);
    this.#sessions.set(index, session);
    this.#socket.ref();
    const { handshake } = session;
    let isFirst = true;
    const send = (message: Uint8Array) => {
      session.isAnswered = !isFirst;
      const cookie = () => session.cookie;
      const packets = isFirst
        ? () => fragmentsOf(TYPE.first, [index], message, cookie())
        : () => fragmentsOf(TYPE.third, [session.receiver!], message);
      isFirst = false;
      handshake.put(packets, true);
    };
    return this.#bounded(index, session, bounds, async () => {
      const party = await this.#engine.party();
      const proven = await runHandshake(party, plan, { send, receive: () => handshake.receive() });
      this.#assertUnderWay(index, session);
      return new Promise<UdpChannel>((accept, reject) => {
        session.channel = this.#channel(index, session, proven, () => {
          handshake.stop();
          accept(session.channel!);
        });
        void session.channel.closed.then(({ reason, error }) =>
          reject(
            reason === TOO_MANY_CHANNELS
              ? tooManyChannels()
              : isMeshError(error)
                ? error
                : new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', { cause: error }),
          ),
        );
        // Nothing more is due but the word of the responder: this rejects when the time is over.
        handshake.receive().catch(reject);
      });
    });
  }

  #take(packet: Buffer, from: RemoteInfo): void {
    const type = packet[0];
    if (type === TYPE.data) {
      const session = packet.length > 5 ? this.#sessions.get(packet.readUInt32BE(1)) : undefined;
      if (session && isFrom(session, from)) session.channel?.take(packet);
    } else if (type === TYPE.cookie) this.#takeCookie(packet, from);
    else {
      const fragment = readFragment(packet);
      if (fragment?.type === TYPE.first) this.#takeFirst(fragment, from);
      else if (fragment) this.#takeNext(fragment, from);
    }
  }

  #takeCookie(packet: Buffer, from: RemoteInfo): void {
    const session =
      packet.length === 5 + COOKIE_LENGTH ? this.#sessions.get(packet.readUInt32BE(1)) : undefined;
    if (!session || session.name !== undefined || session.receiver !== undefined || !isFrom(session, from))
      return;
    const cookie = Uint8Array.from(packet.subarray(5));
    if (Buffer.compare(cookie, session.cookie) === 0) return;
    session.cookie = cookie;
    session.handshake.again();
  }

  /** The first message. Before its sender has shown that it gets what is sent to its address, nothing is kept of it. */
  #takeFirst(fragment: FragmentPacket, from: RemoteInfo): void {
    if (!this.#accepting || this.#isClosing) return;
    const name = `${from.address} ${from.port} ${fragment.sender}`;
    const known = this.#byName.get(name);
    const { cookieThreshold } = this.#engine.settings;
    if (!known && this.handshakes >= cookieThreshold && !this.#cookies.isGood(from, fragment.cookie!)) {
      this.#send(from, concat(Uint8Array.of(TYPE.cookie), u32(fragment.sender!), this.#cookies.make(from)));
      return;
    }
    const session = known ?? this.#respond(fragment.sender!, from, name);
    if (!session) return;
    // Once it was answered, another one means that the answer was lost. One piece of it is enough to say so.
    if (!session.isAnswered) session.handshake.take(fragment);
    else if (fragment.index === 0 && !session.channel) session.handshake.again();
  }

  #takeNext(fragment: FragmentPacket, from: RemoteInfo): void {
    const session = this.#sessions.get(fragment.receiver!);
    const isForInitiator = fragment.type === TYPE.second;
    if (!session || !isFrom(session, from) || isForInitiator !== (session.name === undefined)) return;
    if (session.channel) {
      // The word that the identity was accepted was lost.
      if (!isForInitiator && fragment.index === 0) session.channel.ready().catch(() => {});
      return;
    }
    // Each side takes the one message that is due: the initiator before it has answered, the responder afterwards.
    if (session.isAnswered === isForInitiator) return;
    if (isForInitiator) session.receiver ??= fragment.sender;
    session.handshake.take(fragment);
  }

  /** Begins a handshake; `undefined` where there is no place for it. */
  #respond(receiver: number, from: RemoteInfo, name: string): Session | undefined {
    let leave: () => void;
    try {
      leave = this.#places.take(from.address);
    } catch (error) {
      this.#engine.fault(error);
      return undefined;
    }
    const index = this.#newIndex();
    const remote = { address: from.address, port: from.port };
    const session = this.#session(remote, name);
    session.receiver = receiver;
    this.#sessions.set(index, session);
    this.#byName.set(name, session);
    const engine = this.#engine;
    const { handshake } = session;
    const plan = engine.plan({ isInitiator: false, transport: 'udp', expected: this.#accepting!.peer });
    const send = (message: Uint8Array) => {
      session.isAnswered = true;
      handshake.put(() => fragmentsOf(TYPE.second, [receiver, index], message), false);
    };
    const bounds = { timeoutMs: engine.settings.handshakeTimeoutMs, signal: undefined };
    const play = async () => {
      const exchange = { send, receive: () => handshake.receive() };
      const proven = await runHandshake(await engine.party(), plan, exchange);
      this.#assertUnderWay(index, session);
      session.channel = this.#channel(index, session, proven);
      await engine.admit(session.channel);
      return session.channel;
    };
    engine
      .timed('responder', 'udp', () => this.#bounded(index, session, bounds, play))
      .then(this.#accepting!.onChannel)
      .catch((error) => {
        if (!isMeshError(error)) engine.fault(error);
      })
      .finally(leave);
    return session;
  }

  async #bounded<T>(
    index: number,
    session: Session,
    bounds: HandshakeBounds,
    play: () => Promise<T>,
  ): Promise<T> {
    const { timeoutMs, signal } = bounds;
    let reject: (error: unknown) => void = () => {};
    const ended = new Promise<never>((_, no) => {
      reject = no;
    });
    const fail = (error: MeshError) => {
      session.handshake.fail(error);
      reject(error);
    };
    const timer = setTimeout(() => fail(new MeshError('NOISE_HANDSHAKE_FAILED:TIMEOUT')), timeoutMs);
    const abort = () => fail(new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', { cause: signal?.reason }));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (signal?.aborted) abort();
      return await Promise.race([play(), ended]);
    } catch (cause) {
      session.handshake.stop();
      if (session.channel) await session.channel.close();
      else this.#forget(index, session);
      throw isMeshError(cause) ? cause : new MeshError('NOISE_HANDSHAKE_FAILED', { cause });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** A handshake whose time was over meanwhile gets no channel. */
  #assertUnderWay(index: number, session: Session): void {
    if (this.#sessions.get(index) !== session) throw new MeshError('NOISE_HANDSHAKE_FAILED:TIMEOUT');
  }

  #session(remote: Remote, name: string | undefined): Session {
    const { retransmitMs: firstMs, retransmitMaxMs: maxMs } = this.#engine.settings;
    const handshake = new UdpHandshake({ firstMs, maxMs }, (packet) => this.#send(remote, packet));
    return {
      remote,
      name,
      handshake,
      receiver: undefined,
      cookie: NO_COOKIE,
      channel: undefined,
      isAnswered: false,
    };
  }

  #channel(index: number, session: Session, proven: ProvenHandshake, accepted?: () => void): UdpChannel {
    const link = {
      receiver: session.receiver!,
      silenceMs: this.#engine.settings.silenceMs,
      send: (packet: Uint8Array) => this.#deliver(session.remote, packet),
      release: () => this.#forget(index, session),
    };
    return new UdpChannel(this.#engine.partsOf(proven), link, accepted);
  }

  #forget(index: number, session: Session): void {
    this.#sessions.delete(index);
    if (session.name !== undefined && this.#byName.get(session.name) === session)
      this.#byName.delete(session.name);
    session.handshake.stop();
    // A socket that only serves channels to others keeps no process alive without one.
    if (this.#sessions.size === 0 && !this.#accepting && !this.#isClosing) this.#socket.unref();
    this.#closeIfEmpty();
  }

  #closeIfEmpty(): void {
    if (!this.#isClosing || this.#sessions.size > 0) return;
    // What was just handed to the socket is sent first.
    setImmediate(() => {
      try {
        this.#socket.close();
      } catch {
        // It is closed already.
      }
    });
  }

  #newIndex(): number {
    for (;;) {
      const index = randomBytes(4).readUInt32BE();
      if (!this.#sessions.has(index)) return index;
    }
  }

  #send(to: Remote, packet: Uint8Array): void {
    this.#deliver(to, packet).catch((error) => this.#engine.fault(error));
  }

  #deliver({ port, address }: Remote, packet: Uint8Array): Promise<void> {
    return new Promise((done, reject) => {
      this.#socket.send(packet, port, address, (error) => (error ? reject(error) : done()));
    });
  }
}

const isFrom = ({ remote }: Session, from: RemoteInfo): boolean =>
  remote.port === from.port && remote.address === from.address;

async function resolve(host: string): Promise<string> {
  if (isIP(host)) return host;
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION', { cause });
  }
}
