import { MemoryLimitStore } from '@private.me/xlink';
import { PurchaseError } from './errors.mjs';

const MINUTE_MS = 60_000;

/** By the verified DID; by the address of the connection where nothing is verified. No header changes that. */
const PER_MINUTE = { did: 60, address: 10 };

/**
 * Counts purchases, and refuses with `RATE_LIMITED` what is too many.
 * @param {object} parts
 * @param {import('@private.me/xlink').LimitStore | undefined} parts.store default: the memory of this process
 * @param {() => number} parts.clock
 * @param {(error: unknown) => void} parts.onFault told what the store throws; this process counts for itself meanwhile
 * @returns {import('express').RequestHandler}
 */
export function limitPurchases({ store, clock, onFault }) {
  const memory = new MemoryLimitStore(clock);
  const take = async (/** @type {string} */ name) => {
    try {
      return await (store ?? memory).take(name, MINUTE_MS);
    } catch (error) {
      onFault(error);
      return memory.take(name, MINUTE_MS);
    }
  };
  return async (req, _res, next) => {
    const { did } = req.buyer;
    const [name, limit] = did
      ? [`purchase:${did}`, PER_MINUTE.did]
      : [`purchase:${networkOf(req.ip ?? '')}`, PER_MINUTE.address];
    const { count, resetMs } = await take(name);
    if (count > limit) throw new PurchaseError('RATE_LIMITED', { retryAfterMs: resetMs });
    next();
  };
}

/**
 * An IPv4 address, or the /64 of an IPv6 one, which is one customer's.
 * @param {string} ip
 */
export function networkOf(ip) {
  const address = ip.replace(/^::ffff:(?=[\d.]+$)/i, '');
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
  }
  const four = [...groups, '0', '0', '0', '0'].slice(0, 4);
  return four.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
