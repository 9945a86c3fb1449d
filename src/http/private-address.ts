/** IPv4 blocks that are not on the public internet: address and prefix length (RFC 6890 and its updates). */
const PRIVATE_V4: readonly (readonly [number, number])[] = [
  [0x00000000, 8], // this network
  [0x0a000000, 8], // private
  [0x64400000, 10], // shared between carriers
  [0x7f000000, 8], // loopback
  [0xa9fe0000, 16], // link-local, where clouds keep their metadata
  [0xac100000, 12], // private
  [0xc0000000, 24], // protocol assignments
  [0xc0000200, 24], // TEST-NET-1, documentation
  [0xc0586300, 24], // 6to4 relays, deprecated (RFC 7526)
  [0xc0a80000, 16], // private
  [0xc6120000, 15], // benchmarks
  [0xc6336400, 24], // TEST-NET-2
  [0xcb007100, 24], // TEST-NET-3
  [0xe0000000, 3], // multicast, reserved, broadcast
];

/**
 * Whether the host of a URL is a loopback, private or link-local address, or `localhost`. `hostname` is that of a `URL`,
 * which has brought octal, hexadecimal and shortened spellings into one form. Looks at literal addresses only: a DNS
 * name may still lead to a private address.
 */
export function isPrivateHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (name.startsWith('[')) return isPrivateV6(name.slice(1, -1));
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(name);
  return v4 !== null && isPrivateV4(v4.slice(1).reduce((sum, part) => sum * 256 + Number(part), 0));
}

const isPrivateV4 = (address: number): boolean =>
  PRIVATE_V4.some(([block, length]) => address >>> (32 - length) === block >>> (32 - length));

function isPrivateV6(text: string): boolean {
  const groups = groupsOf(text);
  const [first = 0, second = 0] = groups;
  const lastV4 = groups[6]! * 0x10000 + groups[7]!;
  const isMapped = groups.findIndex((group) => group !== 0) === 5 && groups[5] === 0xffff; // ::ffff:a.b.c.d
  const isNat64 = first === 0x64 && second === 0xff9b && groups[2] === 0;
  if (isMapped || isNat64) return isPrivateV4(lastV4);
  if (first === 0x2002) return isPrivateV4(second * 0x10000 + groups[2]!); // 6to4
  if (first === 0x2001 && second < 0x200) return true; // protocol assignments (2001::/23), Teredo and benchmarks among them
  if (first === 0x2001 && second === 0xdb8) return true; // documentation
  if (first === 0x3fff && second < 0x1000) return true; // documentation (RFC 9637)
  return (first & 0xe000) !== 0x2000; // nothing else is assigned to the public internet (RFC 4291)
}

/** The eight groups of an address as `URL` writes it: hexadecimal, with at most one `::`. */
function groupsOf(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [parse(head), parse(tail ?? '')];
  return [...left, ...new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right];
}
