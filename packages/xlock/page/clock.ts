import { isXlockError } from '../src/errors.js';

/** What clocks may differ by before somebody is told, in ms. */
const TOLERANCE_MS = 45_000;

/** By how much the clock of this device is ahead of that of the server of the page, in ms; `undefined` where it does not answer. */
async function aheadMs(): Promise<number | undefined> {
  // Not GET, which the service worker answers.
  const response = await fetch('/config.json', { method: 'HEAD', cache: 'no-store' }).catch(() => undefined);
  const then = Date.parse(response?.headers.get('date') ?? '');
  return Number.isNaN(then) ? undefined : Date.now() - then;
}

/** What a wrong clock of a device, or of a service, is seen as. */
const OF_CLOCKS: ReadonlySet<string> = new Set([
  'CHALLENGE_EXPIRED',
  'CHALLENGE_INVALID',
  'CHALLENGE_INVALID:CLOCK',
]);

/** Where a challenge seems to be over, or not to be signed, because the clock of this device is wrong: an error that says so; otherwise the same. */
export async function clockAware(error: unknown): Promise<unknown> {
  if (!isXlockError(error) || !OF_CLOCKS.has(error.id)) return error;
  const ahead = await aheadMs();
  if (ahead === undefined || Math.abs(ahead) < TOLERANCE_MS) return error;
  const minutes = Math.max(1, Math.round(Math.abs(ahead) / 60_000));
  const far = `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} ${ahead > 0 ? 'ahead' : 'behind'}`;
  return new Error(`The clock of this device is ${far}. Set it, and begin again at the service.`);
}
