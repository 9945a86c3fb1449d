import type { PostgresClient, PostgresPool } from './types.js';

/** A connection of `pg` below its client: the messages that a cancel request is made of. */
interface Wire {
  connect(port: number, host: string): void;
  connect(socketPath: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  on(event: 'connect' | 'sslconnect' | 'error' | 'end', listener: () => void): unknown;
  readonly stream: { destroy(): void };
}

/** What a client of `pg` has beyond its documentation. `pg-native` has none of it. */
interface WiredClient {
  readonly host: string;
  readonly port: number;
  readonly ssl?: unknown;
  readonly sslNegotiation?: string;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
  readonly connection?: Wire;
}

const TIMEOUT_MS = 2000;

/**
 * Asks the server to end the query of a client, as libpq and other drivers do: a connection of its own that carries a
 * CancelRequest (PostgreSQL, Frontend/Backend Protocol, "Canceling Requests in Progress") and takes no place among
 * `max_connections`. Resolves when the server has closed it, and so has passed the request on; also after 2 s, and where
 * nothing could be asked.
 */
export async function cancelQuery(client: PostgresClient, options: PostgresPool['options']): Promise<void> {
  const { host, port, processID, secretKey, connection } = client as unknown as WiredClient;
  if (!processID || !secretKey || !connection) return;
  // An unconnected client like this one, for its settings of TLS.
  const Client = client.constructor as new (options: unknown) => WiredClient;
  const { connection: wire, ssl, sslNegotiation } = new Client(options);
  if (!wire) return;
  await new Promise<void>((resolve) => {
    const send = () => wire.cancel(processID, secretKey);
    wire.on('connect', () => {
      if (!ssl) send();
      else if (sslNegotiation !== 'direct') wire.requestSsl();
    });
    wire.on('sslconnect', send);
    const timer = setTimeout(done, TIMEOUT_MS);
    wire.on('error', done);
    wire.on('end', done);
    function done() {
      clearTimeout(timer);
      wire!.stream.destroy();
      resolve();
    }
    if (host.startsWith('/')) wire.connect(`${host}/.s.PGSQL.${port}`);
    else wire.connect(port, host);
  });
}
