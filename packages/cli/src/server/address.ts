import type { IncomingMessage } from 'node:http';
import { addressBlock } from '@private.me/xlink/server';

/** Where a request comes from: the other end of the connection or, behind a proxy, the last address that it wrote. */
export type AddressOf = (req: Pick<IncomingMessage, 'headers' | 'socket'>) => string | undefined;

export const peerAddress: AddressOf = ({ socket }) => socket.remoteAddress;

/** The last address is what the proxy saw; any before it are what callers say. */
export const forwardedAddress: AddressOf = (req) =>
  String(req.headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim() || peerAddress(req);

/** What counts as one address. */
export const blockOf = (addressOf: AddressOf, req: IncomingMessage): string =>
  addressBlock(addressOf(req) ?? '');
