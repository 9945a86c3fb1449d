import { EventEmitter, once } from 'node:events';
import {
  type Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterTest } from './after-test.js';
import { methodOf, pathOf, type Sent } from './requests.js';
import { type Answer, readAnswer } from './responses.js';

// Ways to send a request: by Node's client, and byte by byte.

export async function send(
  port: number,
  sent: Sent,
  connections: HttpAgent | false = false,
): Promise<Answer> {
  const body = sent.body === undefined ? undefined : Buffer.from(sent.body);
  const chunked = sent.chunked || sent.headers?.['transfer-encoding'] !== undefined;
  const framing = chunked
    ? { 'transfer-encoding': 'chunked' }
    : body
      ? { 'content-length': body.length }
      : {};
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    method: methodOf(sent),
    path: pathOf(sent),
    headers: { ...framing, ...sent.headers },
    agent: connections,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return readAnswer(response);
}

/** Sends a request line exactly as it is written. */
export async function sendRaw(port: number, line: string, headers: OutgoingHttpHeaders): Promise<Answer> {
  const socket = await openSocket(port);
  const fields = Object.entries({ host: 'test', connection: 'close', ...headers });
  socket.write(`${line} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const [head = '', text = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const names = lines.map((one) => one.split(/: ?(.*)/s).slice(0, 2) as [string, string]);
  const answered = Object.fromEntries(names.map(([name, value]) => [name.toLowerCase(), value]));
  return { status: Number(statusLine.split(' ')[1]), headers: answered, text, bytes: Buffer.from(text) };
}

/** One connection, byte by byte. */
export interface Wire {
  readonly socket: Socket;
  /** Resolves when the kernel has taken the bytes. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** The next answer. Rejects if the connection ends before. */
  answer(): Promise<Answer>;
  /** Resolves when the connection is closed, however. */
  readonly closed: Promise<void>;
}

/** Opens a connection; closed after the test. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}); // a reset is one way to be cut off
  afterTest(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** As `openSocket`, and reads the answers. */
export async function openWire(port: number): Promise<Wire> {
  const socket = await openSocket(port);
  const signals = new EventEmitter().setMaxListeners(0);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    signals.emit('change');
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  closed.then(() => signals.emit('change'));
  const next = (): Answer | undefined => {
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
    const fields = lines.map((line) => line.split(/: ?(.*)/s) as [string, string]);
    const headers = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
    const total = end + 4 + Number(headers['content-length'] ?? 0);
    if (text.length < total) return undefined;
    const body = text.slice(end + 4, total);
    text = text.slice(total);
    const status = Number(statusLine.split(' ')[1]);
    return { status, headers, text: body, bytes: Buffer.from(body, 'latin1') };
  };
  return {
    socket,
    closed,
    write: (bytes) =>
      new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve()))),
    async answer() {
      for (;;) {
        const answer = next();
        if (answer) return answer;
        if (socket.closed) throw new Error('the connection was closed before there was an answer');
        await once(signals, 'change');
      }
    },
  };
}
