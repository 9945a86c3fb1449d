import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { addressBlock } from '../util/address-block.js';

/** Where a request comes from: the other end of the connection or, behind a proxy, the last address that it wrote. */
export type AddressOf = (req: Pick<IncomingMessage, 'headers' | 'socket'>) => string | undefined;

/** That of the connection: where no proxy stands before the server. */
export const peerAddress: AddressOf = ({ socket }) => socket.remoteAddress;

/** The last address is what the proxy saw; any before it are what callers say. What is no address counts as that of the proxy. */
export const forwardedAddress: AddressOf = (req) => {
  const lines = req.headers['x-forwarded-for'] ?? '';
  return addressIn(String(lines).split(',').at(-1)!) ?? peerAddress(req);
};

/** An address, also with a port behind it, as some proxies write them; `undefined` for any other text. */
function addressIn(text: string): string | undefined {
  const trimmed = text.trim();
  const [, bracketed] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(trimmed) ?? [];
  const [, beforePort] = /^([\d.]+):\d{1,5}$/.exec(trimmed) ?? [];
  const address = bracketed ?? beforePort ?? trimmed;
  return address.length <= 64 && isIP(address) !== 0 ? address : undefined;
}

/** What counts as one address. */
export const blockOf = (addressOf: AddressOf, req: IncomingMessage): string =>
  addressBlock(addressOf(req) ?? '');
