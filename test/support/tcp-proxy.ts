import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll } from '@jest/globals';

const started = new Set<TcpProxy>();

afterAll(async () => {
  await Promise.all([...started].map((proxy) => proxy.close()));
});

/** What is held back: everything, or only what the server answers, so that it does what it is told and nobody hears of it. */
export type Held = 'both' | 'answers';

/**
 * A network that can be made bad: between a client and a server on this machine, for whatever protocol.
 * Starts healthy. Closed after the tests of the file, unless the test did it before.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #roundTrips = 0;
  #delayMs = 0;
  #held: Held | undefined;
  #isCut = false;
  #isLosing = false;
  #isRepeating = false;
  #targetPort: number;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      if (this.#isCut) return void client.destroy();
      const upstream = connect({
        port: this.#targetPort,
        host: '127.0.0.1',
        allowHalfOpen: true,
        noDelay: true,
      });
      client.setNoDelay(true);
      const pair = new Pair(client, upstream, () => void this.#pairs.delete(pair));
      this.#pairs.add(pair);
      this.#apply(pair);
      this.#count(client, upstream);
    });
  }

  /** In front of a port of 127.0.0.1; listens on a free port there. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    started.add(proxy);
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open through it. */
  get connections(): number {
    return this.#pairs.size;
  }

  /**
   * How often a client asked and had to wait for an answer, so far. What is asked while an answer is awaited counts as one
   * with it; with some delay, that is all that is asked without waiting.
   */
  get roundTrips(): number {
    return this.#roundTrips;
  }

  /** Whatever passes from now on takes so much longer, in each direction, in ms. */
  delay(ms: number): void {
    this.#delayMs = ms;
    this.#applyToAll();
  }

  /** Keeps connections open, takes new ones, and passes nothing; `heal()` passes what was held. */
  freeze(held: Held = 'both'): void {
    this.#held = held;
    this.#applyToAll();
  }

  /**
   * A silent cut: as `freeze()`, but the connections that there are until `heal()` are never served again, and not told.
   * Those that begin after it are.
   */
  lose(): void {
    this.#isLosing = true;
    this.freeze();
  }

  /** Resets all connections, and every new one at once. */
  cut(): void {
    this.#isCut = true;
    for (const pair of [...this.#pairs]) pair.destroy();
  }

  /** Whatever passes until `heal()` passes twice, in both directions. */
  repeat(): void {
    this.#isRepeating = true;
    this.#applyToAll();
  }

  /** Leads to another port of 127.0.0.1, as a name does after a failover. Connections that there are keep theirs. */
  leadTo(targetPort: number): void {
    this.#targetPort = targetPort;
  }

  /** As in the beginning: no delay, nothing held, nothing cut. Connections that were reset or lost stay so. */
  heal(): void {
    this.#delayMs = 0;
    this.#held = undefined;
    this.#isCut = false;
    this.#isLosing = false;
    this.#isRepeating = false;
    this.#applyToAll();
  }

  async close(): Promise<void> {
    if (!started.delete(this)) return;
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #count(client: Socket, upstream: Socket): void {
    let isAwaited = false;
    client.on('data', () => {
      if (!isAwaited) this.#roundTrips += 1;
      isAwaited = true;
    });
    upstream.on('data', () => {
      isAwaited = false;
    });
  }

  #applyToAll(): void {
    for (const pair of this.#pairs) this.#apply(pair);
  }

  #apply(pair: Pair): void {
    pair.isLost ||= this.#isLosing;
    for (const pipe of [pair.requests, pair.answers]) pipe.isRepeating = this.#isRepeating;
    pair.requests.set(this.#delayMs, pair.isLost || this.#held === 'both');
    pair.answers.set(this.#delayMs, pair.isLost || this.#held !== undefined);
  }
}

/** One connection through the proxy. */
class Pair {
  isLost = false;
  readonly requests: Pipe;
  readonly answers: Pipe;
  readonly #sockets: readonly Socket[];

  constructor(client: Socket, upstream: Socket, onClosed: () => void) {
    this.#sockets = [client, upstream];
    this.requests = new Pipe(client, upstream);
    this.answers = new Pipe(upstream, client);
    for (const socket of this.#sockets) {
      socket.on('error', () => this.destroy());
      socket.on('close', () => {
        if (!socket.readableEnded) this.destroy();
        if (this.#sockets.every(({ destroyed }) => destroyed)) onClosed();
      });
    }
  }

  destroy(): void {
    this.requests.stop();
    this.answers.stop();
    for (const socket of this.#sockets) {
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }
}

/** One direction of a connection. Keeps the order, also when the delay changes. */
class Pipe {
  isRepeating = false;
  readonly #from: Socket;
  readonly #to: Socket;
  /** `undefined` stands for the end of the stream. */
  readonly #queue: { readonly chunk: Buffer | undefined; readonly due: number }[] = [];
  #delayMs = 0;
  #held = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    from.on('data', (chunk) => this.#take(chunk));
    from.on('end', () => this.#take(undefined));
  }

  set(delayMs: number, held: boolean): void {
    this.#delayMs = delayMs;
    this.#held = held;
    // A frozen network takes no bytes: what does not fit into its buffers stays with the sender.
    if (held) this.#from.pause();
    else this.#from.resume();
    this.#pass();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #take(chunk: Buffer | undefined): void {
    const item = { chunk, due: performance.now() + this.#delayMs };
    this.#queue.push(item);
    if (chunk && this.isRepeating) this.#queue.push(item);
    this.#pass();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    while (!this.#held && this.#queue.length > 0) {
      const { chunk, due } = this.#queue[0]!;
      const left = this.#delayMs === 0 ? 0 : due - performance.now();
      if (left > 0) {
        this.#timer = setTimeout(() => this.#pass(), Math.ceil(left));
        return;
      }
      this.#queue.shift();
      if (this.#to.destroyed) return;
      if (chunk) this.#to.write(chunk);
      else this.#to.end();
    }
  }
}
