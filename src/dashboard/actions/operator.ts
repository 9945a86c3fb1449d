import { toXlinkError, type XlinkError } from '../../errors/errors.js';
import { within } from '../../util/deadline.js';
import type { Visitor } from '../access.js';
import type { DashboardOptions } from '../options.js';

/** A name that fits into events and pages: one line, and something to read. */
const isName = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length <= 200 &&
  value.trim() !== '' &&
  !/[\p{C}\p{Zl}\p{Zp}]/u.test(value);

const TIME_LIMIT_MS = 5000;

/** Who may change something; `undefined`: a reader. Never rejects: where it cannot be found out, nobody may. */
export type OperatorOf = (visitor: Visitor) => Promise<string | undefined>;

/** `undefined` where nobody may. */
export function operatorsOf(
  { actions, operatorOf }: DashboardOptions<never>,
  onFault: (error: XlinkError) => void,
): OperatorOf | undefined {
  if (!actions) return undefined;
  return async (visitor) => {
    try {
      const asked = new Promise((resolve) =>
        resolve(operatorOf ? operatorOf(visitor.raw as never) : userIn(visitor.authorization)),
      );
      const name = await within(TIME_LIMIT_MS, asked, () => new Error('operatorOf did not answer in time'));
      return isName(name) ? name : undefined;
    } catch (cause) {
      onFault(toXlinkError(cause));
      return undefined;
    }
  };
}

/** The user name in HTTP Basic, before the first colon. */
function userIn(authorization = ''): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(authorization.slice('Basic '.length).trim()), (c) => c.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.slice(0, Math.max(0, text.indexOf(':')));
  } catch {
    return undefined;
  }
}
