import { type Agent as Connections, request as httpRequest, type IncomingMessage } from 'node:http';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Ask } from './row.js';

type Pairs = [string, string][];

/** An answer as it came over the network. */
export interface Received {
  readonly status: number;
  readonly reason: string;
  readonly headers: Pairs;
  readonly bytes: Buffer;
  /** It did not come to its end. */
  readonly broken: boolean;
  readonly interim: { readonly status: number; readonly headers: Pairs }[];
  readonly trailers: Pairs;
}

export type Sent = Ask & { readonly method: string; readonly path: string };

/** By HTTP/1.1, on a connection that is kept. */
export function exchangeHttp1(port: number, agent: Connections | false, sent: Sent): Promise<Received> {
  const { method, path, body, headers = {}, leaves } = sent;
  const bytes = body === undefined ? undefined : Buffer.from(body);
  return new Promise((resolve) => {
    const interim: Received['interim'] = [];
    const length = bytes ? { 'content-length': bytes.length } : {};
    const request = (agent instanceof HttpsAgent ? httpsRequest : httpRequest)({
      host: '127.0.0.1',
      port,
      agent,
      method,
      path,
      headers: { ...length, ...headers },
    });
    const nothing = { status: 0, reason: '', headers: [], bytes: Buffer.alloc(0), trailers: [] };
    const isExpecting = headers['expect'] !== undefined;
    request.on('information', ({ statusCode, rawHeaders }) =>
      interim.push({ status: statusCode, headers: pairs(rawHeaders) }),
    );
    request.on('continue', () => isExpecting && request.end(bytes));
    request.on('error', () => resolve({ ...nothing, interim, broken: true }));
    request.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (leaves) request.destroy();
      });
      response.on('error', () => {}); // seen below
      response.on('close', () =>
        resolve({
          status: response.statusCode!,
          reason: response.statusMessage!,
          headers: pairs(response.rawHeaders),
          bytes: Buffer.concat(chunks),
          broken: !response.complete,
          interim,
          trailers: pairs(response.rawTrailers),
        }),
      );
    });
    if (isExpecting) request.flushHeaders();
    else request.end(bytes);
  });
}

/** By HTTP/2, on a session that is kept. */
export function exchangeHttp2(session: ClientHttp2Session, sent: Sent): Promise<Received> {
  const { method, path, body, headers = {}, leaves } = sent;
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const length = bytes ? { 'content-length': bytes.length } : {};
  return new Promise((resolve) => {
    const stream = session.request(
      { ':method': method, ':path': path, ...length, ...(headers as object) },
      { endStream: bytes === undefined },
    );
    const found = { status: 0, headers: [] as Pairs, trailers: [] as Pairs };
    const interim: Received['interim'] = [];
    const chunks: Buffer[] = [];
    let ended = false;
    stream.on('headers', ((fields: IncomingHttpHeaders, _: number, lines: string[]) =>
      interim.push({ status: Number(fields[':status']), headers: fieldsIn(lines) })) as never);
    stream.on('response', ((fields: IncomingHttpHeaders, _: number, lines: string[]) =>
      Object.assign(found, { status: fields[':status'], headers: fieldsIn(lines) })) as never);
    stream.on(
      'trailers',
      ((_: object, __: number, lines: string[]) => (found.trailers = fieldsIn(lines))) as never,
    );
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (leaves) stream.close(8);
    });
    stream.on('end', () => (ended = true));
    stream.on('error', () => {}); // seen below
    stream.on('close', () =>
      resolve({
        ...found,
        reason: '',
        bytes: Buffer.concat(chunks),
        broken: !ended || stream.rstCode !== 0,
        interim,
      }),
    );
    if (bytes) stream.end(bytes);
  });
}

const pairs = (lines: readonly string[]): Pairs =>
  lines.flatMap((name, at): Pairs => (at % 2 === 0 ? [[name, lines[at + 1]!]] : []));

/** Without those that begin with a colon, which are no headers of the application. */
const fieldsIn = (lines: readonly string[]): Pairs => pairs(lines).filter(([name]) => !name.startsWith(':'));
