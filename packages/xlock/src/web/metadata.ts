import type { IncomingMessage } from 'node:http';
import { isReadable } from '../challenge/challenge.js';
import { isMembers } from '../util/bytes.js';

const SYSTEMS = [
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Android', 'Android'],
  ['Windows', 'Windows'],
  ['CrOS', 'ChromeOS'],
  ['Mac OS X', 'macOS'],
  ['Linux', 'Linux'],
] as const;

const BROWSERS = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['SamsungBrowser', 'Samsung Internet'],
  ['Firefox', 'Firefox'],
  ['FxiOS', 'Firefox'],
  ['CriOS', 'Chrome'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
] as const;

/** A browser by its name, such as `Chrome on Linux`, from what it says of itself; anything else as it calls itself, up to 60 characters. */
export function browserName(agent: string): string {
  const browser = BROWSERS.find(([mark]) => agent.includes(`${mark}/`))?.[1];
  const system = SYSTEMS.find(([mark]) => agent.includes(mark))?.[1];
  if (browser) return system ? `${browser} on ${system}` : browser;
  return agent
    .replace(/[^\x20-\x7e]/g, '')
    .slice(0, 60)
    .trim();
}

/** IPv4 as people write it, also where a socket of both kinds took it (`::ffff:203.0.113.42`). */
export const plainAddress = (address: string): string =>
  address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');

/** What a device shows of where a request comes from: the address of the connection, and the browser by its name. */
export function addressAndBrowser({ socket, headers }: IncomingMessage): Record<string, string> {
  const browser = browserName(String(headers['user-agent'] ?? ''));
  return {
    ...(socket.remoteAddress ? { ip: plainAddress(socket.remoteAddress) } : {}),
    ...(browser === '' ? {} : { browser }),
  };
}

/** What of it a challenge can say: up to 16 texts, cut to 200 characters, without what a screen does not show. */
export function clippedMetadata(value: unknown): Record<string, string> {
  if (!isMembers(value)) return {};
  const pairs = Object.entries(value).flatMap(([name, text]) => {
    if (!/^[\w-]{1,40}$/.test(name) || !['string', 'number', 'boolean'].includes(typeof text)) return [];
    const shown = [...String(text).slice(0, 400)].filter(isReadable).join('');
    const cut = [...shown].reduce((all, one) => (all.length + one.length <= 200 ? all + one : all), '');
    return cut === '' ? [] : [[name, cut] as const];
  });
  return Object.fromEntries(pairs.slice(0, 16));
}
