import { isIPv4, isIPv6 } from 'node:net';
import { type BincodeReader, type BincodeWriter, LayoutError } from './bincode.js';

// `SocketAddr` of Rust: a u32 that says which, 4 or 16 bytes, and the port as u16.

/** Writes `1.2.3.4:5483` or `[2001:db8::1]:5483`. Throws {@link LayoutError}. */
export function writeAddress(writer: BincodeWriter, address: string): void {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  if (Number(port) > 65_535) throw new LayoutError('no port');
  if (four !== undefined && isIPv4(four)) writer.u32(0).raw(Uint8Array.from(four.split('.').map(Number)));
  else if (six !== undefined && isIPv6(six)) writer.u32(1).raw(bytesOfIPv6(six));
  else throw new LayoutError('no address');
  writer.u16(Number(port));
}

/** Reads one. */
export function readAddress(reader: BincodeReader): string {
  const kind = reader.u32();
  if (kind === 0) return `${reader.raw(4).join('.')}:${reader.u16()}`;
  if (kind !== 1) throw new LayoutError('no address');
  const bytes = reader.raw(16);
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[at * 2]! << 8) | bytes[at * 2 + 1]!).toString(16),
  );
  return `${new URL(`http://[${groups.join(':')}]`).hostname}:${reader.u16()}`;
}

/** The URL parser writes them in one way (RFC 5952), whatever way they came in. */
function bytesOfIPv6(text: string): Uint8Array {
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [left = '', right] = canonical.split('::');
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':'));
  const head = groupsOf(left);
  const tail = right === undefined ? [] : groupsOf(right);
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}
