import { XLOCK_ERROR_TABLE, XlockError, type XlockErrorId } from '../errors.js';
import { reasonOf } from '../stores/problem.js';
import { isMembers, parseJson } from '../util/bytes.js';

/**
 * Hands JSON to a service of xLock. Throws what the service refuses it with, and `SERVICE_UNREACHABLE` where none answers, or something else does:
 * whatever is not its own JSON counts for nothing, with status 200 as well. `details` has `url` and, if there was an answer, `status`.
 */
export async function postJson(
  url: string,
  value: unknown,
  options: { readonly fetch?: typeof fetch; readonly timeoutMs?: number } = {},
): Promise<void> {
  const { status, isOk, said } = await asked(url, value, options);
  if (isOk && isMembers(said) && (said['ok'] === true || typeof said['state'] === 'string')) return;
  const id = isMembers(said) ? said['id'] : undefined;
  if (!isOk && typeof id === 'string' && Object.hasOwn(XLOCK_ERROR_TABLE, id))
    throw new XlockError(id as XlockErrorId);
  throw unreachable(url, `answered with status ${status}, and not as xLock does`, { status });
}

async function asked(
  url: string,
  value: unknown,
  options: { readonly fetch?: typeof fetch; readonly timeoutMs?: number },
): Promise<{ readonly status: number; readonly isOk: boolean; readonly said: unknown }> {
  try {
    const response = await (options.fetch ?? fetch)(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
      redirect: 'manual', // told by its status; not followed
      signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
    });
    const text = (await response.text()).slice(0, 65_536);
    return { status: response.status, isOk: response.ok, said: parseJson(text) };
  } catch (cause) {
    throw unreachable(url, `does not answer (${reasonOf(cause)})`, {}, cause);
  }
}

function unreachable(url: string, what: string, more: object, cause?: unknown): XlockError {
  const { origin, pathname } = new URL(url);
  const address = origin + pathname;
  return new XlockError('SERVICE_UNREACHABLE', {
    resolution: `${address} ${what}. Check the network and try again; if it stays, the service must lead that path to xLock, past its proxy and its other pages.`,
    details: { url: address, ...more },
    ...(cause === undefined ? {} : { cause }),
  });
}
