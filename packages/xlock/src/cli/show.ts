import { printable } from '@private.me/xlink/audit';
import type { XlockChallenge } from '../challenge/challenge.js';

/** What the user has to read before deciding. Nothing of it reaches the terminal but as visible characters. */
export function linesOf(challenge: XlockChallenge, now: number): string[] {
  const rows: [string, string][] = [
    ['service', challenge.origin],
    ['asks for', challenge.action],
    ...(challenge.userId === '' ? [] : ([['account', challenge.userId]] as [string, string][])),
    ...Object.entries(challenge.metadata),
    ['time left', `${Math.max(0, Math.ceil((challenge.respondBy - now) / 1000))} s`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${printable(name).padEnd(width)}  ${printable(value)}`);
}
