import { connect } from 'node:net';
import { cpus } from 'node:os';

/**
 * One keep-alive connection that has one request under way; opened again when it broke, as any HTTP client does. Far
 * cheaper than node:http, so the server is what is measured.
 */
export class Connection {
  #port;
  #socket;
  #received = Buffer.alloc(0);
  #answered;

  static async open(port) {
    const connection = new Connection();
    connection.#port = port;
    await connection.#open();
    return connection;
  }

  /** Resolves to the status of the answer; 0 if there was none, as the connection broke or could not be opened. */
  async request(bytes) {
    if (this.#socket.destroyed) await this.#open().catch(() => {});
    if (this.#socket.destroyed) return 0;
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#socket.write(bytes);
    });
  }

  close() {
    this.#socket.destroy();
  }

  #open() {
    return new Promise((resolve, reject) => {
      this.#received = Buffer.alloc(0);
      this.#socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
      this.#socket.once('connect', resolve);
      this.#socket.on('error', reject);
      this.#socket.on('data', (chunk) => this.#take(chunk));
      this.#socket.on('close', () => this.#settle(0));
    });
  }

  #take(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
    if (Number.isNaN(length)) throw new Error(`An answer without a length:\n${head}`);
    if (this.#received.length < end + 4 + length) return;
    this.#received = this.#received.subarray(end + 4 + length);
    this.#settle(Number(head.slice(9, 12)));
  }

  #settle(status) {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(status);
  }
}

/** Sends all requests over the connections, each of which has one under way. Times in microseconds. */
export async function load(connections, requests) {
  const queue = requests.values();
  const times = [];
  let failed = 0;
  const work = async (connection) => {
    for (const request of queue) {
      const start = performance.now();
      const status = await connection.request(request);
      times.push((performance.now() - start) * 1000);
      if (status < 200 || status > 299) failed += 1;
    }
  };
  const rest = keepAwake();
  const start = performance.now();
  await Promise.all(connections.map(work));
  rest();
  return { times, failed, perSecond: (1000 * requests.length) / (performance.now() - start) };
}

/** Where there is a core for it, the load never sleeps: to wake it up would be work of the server, and the more, the slower that is. */
function keepAwake() {
  let isAwake = cpus().length > 1;
  const turn = () => isAwake && setImmediate(turn);
  turn();
  return () => {
    isAwake = false;
  };
}

/** The bytes of an HTTP/1.1 request. */
export function httpRequest(method, path, headers = {}, body = undefined) {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost'];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body) lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body ?? Buffer.alloc(0)]);
}
