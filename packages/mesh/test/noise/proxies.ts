import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterTest } from '../support.js';

/** What to pass on in the place of a message; `undefined` drops it. */
export type Change = (message: Buffer, index: number) => readonly Buffer[] | undefined;

const keep: Change = (message) => [message];

/** Stands in a TCP connection, and passes on frames as it is told. */
export async function tcpProxy(to: string, toServer: Change, toClient: Change = keep): Promise<string> {
  const target = new URL(to);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, into, change] of [
      [client, upstream, toServer],
      [upstream, client, toClient],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => into.destroy());
      frames(from, change, (frame) => into.write(frame));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function frames(from: Socket, change: Change, pass: (frame: Buffer) => void): void {
  let pending = Buffer.alloc(0);
  let index = 0;
  from.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      for (const message of change(Buffer.from(pending.subarray(2, end)), index++) ?? []) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length);
        pass(Buffer.concat([length, message]));
      }
      pending = pending.subarray(end);
    }
  });
}

/** Stands between one UDP client and a server. */
export async function udpProxy(to: string, toServer: Change, toClient: Change = keep): Promise<string> {
  const target = new URL(to);
  const [front, back] = [createSocket('udp4'), createSocket('udp4')];
  front.bind(0, '127.0.0.1');
  back.bind(0, '127.0.0.1');
  await Promise.all([once(front, 'listening'), once(back, 'listening')]);
  afterTest(() => {
    front.close();
    back.close();
  });
  let client: { port: number; address: string } | undefined;
  const counts = [0, 0];
  front.on('message', (packet, from) => {
    client = from;
    for (const one of toServer(packet, counts[0]!++) ?? [])
      back.send(one, Number(target.port), target.hostname);
  });
  back.on('message', (packet) => {
    for (const one of toClient(packet, counts[1]!++) ?? [])
      if (client) front.send(one, client.port, client.address);
  });
  return `udp://127.0.0.1:${front.address().port}`;
}

/** The bytes with one bit of one byte turned. */
export function flipped(message: Uint8Array, at: number): Buffer {
  const out = Buffer.from(message);
  out[at < 0 ? out.length + at : at]! ^= 1;
  return out;
}
