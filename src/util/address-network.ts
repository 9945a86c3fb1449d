import { addressBlock } from './address-block.js';

/**
 * The network of an address, as far as it may be kept to find a caller: `192.0.2.0/24`, `2001:db8:12::/48`. `undefined` for what is not
 * an IP address.
 */
export function addressNetwork(address: string | undefined): string | undefined {
  const block = addressBlock(address ?? '');
  const v4 = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(block);
  if (v4) return `${v4[1]}.0/24`;
  const v6 = /^([\da-f]{1,4}:[\da-f]{1,4}:[\da-f]{1,4}):[\da-f]{1,4}::\/64$/.exec(block);
  return v6 ? `${v6[1]}::/48` : undefined;
}
