import { once } from 'node:events';
import { connect } from 'node:net';

/** A request that is refused before its body is read. */
export interface Junk {
  readonly method?: string;
  readonly path: string;
  readonly bytes: number;
  readonly start?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly chunked?: boolean;
}

/** What becomes of a connection on which junk was answered: the next request on it is answered, or it was closed; else it hangs. */
export async function afterJunk(
  port: number,
  { method = 'POST', path, bytes, start = 'x', headers = {}, chunked = false }: Junk,
  withinMs = 12_000,
): Promise<{ readonly status: number; readonly next: 'answered' | 'closed' | 'hangs' }> {
  const socket = connect(port, '127.0.0.1');
  const deadline = AbortSignal.timeout(withinMs);
  let shown = '';
  let isClosed = false;
  socket.setEncoding('latin1').on('data', (chunk) => (shown += String(chunk)));
  socket.on('error', () => {}).once('close', () => (isClosed = true));
  const answers = () => shown.match(/HTTP\/1\.1 [2-5]\d\d/g) ?? [];
  const until = async (count: number) => {
    while (answers().length < count && !isClosed && !deadline.aborted)
      await Promise.race([
        once(socket, 'data', { signal: deadline }),
        once(socket, 'close', { signal: deadline }),
      ]).catch(() => {});
  };
  const body = start.padEnd(bytes, 'x');
  const framed = chunked ? `${bytes.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  const length = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes}`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  try {
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n${lines.join('')}${length}\r\n\r\n`,
    );
    socket.write(framed);
    await until(1);
    if (!isClosed) socket.write(`GET /next-on-this-connection HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    await until(2);
    const status = Number(answers()[0]?.slice(-3) ?? 0);
    return { status, next: answers().length > 1 ? 'answered' : isClosed ? 'closed' : 'hangs' };
  } finally {
    socket.destroy();
  }
}
