import { MODES, type Mode } from '../../types/mode.js';
import { own } from './own.js';

/** What an operator wants to change, and the mode that the page showed when it was wanted. Times in ms since 1970. */
export type Wanted = { readonly reason: string; readonly seen: Mode } & (
  | { readonly action: 'step'; readonly to: Mode }
  | { readonly action: 'client-mode'; readonly client: string; readonly to: Mode | 'follow' }
  | { readonly action: 'brownout'; readonly from: number; readonly until: number }
);

const MEMBERS: Readonly<Record<Wanted['action'], readonly string[]>> = {
  step: ['to'],
  'client-mode': ['client', 'to'],
  brownout: ['from', 'until'],
};
const COMMON = ['action', 'reason', 'seen', 'token'];

/** Characters of a reason. */
const MAX_REASON = 500;
const DAY_MS = 86_400_000;
const MAX_AHEAD_MS = 365 * DAY_MS;
/** The clock of the browser may be behind a little, and reading takes a moment. */
const LATE_MS = 60_000;

/** A sentence that says what is wrong, for the operator. */
export class WrongRequest extends Error {}

/** What is in a body, and its confirmation if there is one. Throws {@link WrongRequest}. */
export function parseWanted(
  body: unknown,
  now: number,
): { readonly wanted: Wanted; readonly token?: string } {
  const given = own(body);
  const { action, reason, seen, token } = given;
  if (action !== 'step' && action !== 'client-mode' && action !== 'brownout')
    throw new WrongRequest(`action must be one of ${Object.keys(MEMBERS).join(', ')}.`);
  const unknown = Object.keys(given).find((name) => ![...COMMON, ...MEMBERS[action]].includes(name));
  if (unknown !== undefined) throw new WrongRequest(`${action} takes ${MEMBERS[action].join(', ')} only.`);
  if (token !== undefined && (typeof token !== 'string' || token.length > 100))
    throw new WrongRequest('token must be the one of the confirmation.');
  const common = { reason: line(reason), seen: mode('seen', seen) };
  return {
    wanted: { ...common, ...detailOf(action, given, now) },
    ...(token === undefined ? {} : { token }),
  };
}

/** Without the members that all have. */
type Detail<Of = Wanted> = Of extends Wanted ? Omit<Of, 'reason' | 'seen'> : never;

function detailOf(action: Wanted['action'], given: Readonly<Record<string, unknown>>, now: number): Detail {
  const { to, client, from, until } = given;
  if (action === 'step') return { action, to: mode('to', to) };
  if (action === 'brownout') return { action, ...times(from, until, now) };
  if (typeof client !== 'string' || client === '' || client.length > 300)
    throw new WrongRequest('client must be the id of a client.');
  return { action, client, to: to === 'follow' ? to : mode('to', to) };
}

function mode(name: string, value: unknown): Mode {
  const found = MODES.find((one) => one === value);
  if (!found) throw new WrongRequest(`${name} must be one of ${MODES.join(', ')}.`);
  return found;
}

/** It ends up in events, logs and other pages: one line. */
function line(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '') throw new WrongRequest('Say why: the reason is kept with the change.');
  if (text.length > MAX_REASON || /[\p{C}\p{Zl}\p{Zp}]/u.test(text))
    throw new WrongRequest(`The reason must be one line of at most ${MAX_REASON} characters.`);
  return text;
}

function times(from: unknown, until: unknown, now: number): { from: number; until: number } {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(until))
    throw new WrongRequest('A brownout needs a beginning and an end.');
  const [start, end] = [from as number, until as number];
  if (start < now - LATE_MS) throw new WrongRequest('The brownout would have begun already.');
  if (start > now + MAX_AHEAD_MS) throw new WrongRequest('The brownout must begin within a year.');
  if (end <= start || end > start + DAY_MS)
    throw new WrongRequest('A brownout ends after it begins, within 24 hours.');
  return { from: start, until: end };
}
