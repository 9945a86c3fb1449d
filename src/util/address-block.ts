const MAX_CHARACTERS = 64;
/** Of the eight groups of an IPv6 address, those that a provider assigns: a customer has all that lie behind them. */
const NETWORK_GROUPS = 4;

/**
 * What counts as one address when room is shared out: an IPv4 address, also where it is written as IPv6, and the /64
 * network of an IPv6 address, since one customer has all of that. Any other text is taken as it is, at most 64 characters.
 */
export function addressBlock(address: string): string {
  const text = address.slice(0, MAX_CHARACTERS).toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (mapped) return mapped[1]!;
  if (!/^[\da-f:.]+(%.*)?$/.test(text) || !text.includes(':')) return text;
  const [head = '', tail] = text.replace(/%.*/, '').split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const zeros = new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const groups = [...left, ...(tail === undefined ? [] : zeros), ...right];
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`;
}

/** Without leading zeros, so that one network has one spelling. */
const groupsOf = (text: string): string[] =>
  text === '' ? [] : text.split(':').map((group) => group.replace(/^0+(?=.)/, ''));
