import type { RangeName } from '../traffic-history.js';

/** What is looked at. It stands in the address of the page, so that a link to it shows the same. */
export interface View {
  readonly range: RangeName;
  readonly search: string;
  readonly state: string;
  readonly sort: string;
  readonly order: 'asc' | 'desc';
  readonly page: number;
  readonly client: string;
}

const FIRST: View = {
  range: 'minutes',
  search: '',
  state: '',
  sort: 'attention',
  order: 'asc',
  page: 1,
  client: '',
};
const RANGES: readonly string[] = ['minutes', 'day', 'month'] satisfies RangeName[];
const listeners: (() => void)[] = [];

let current = read();

export const view = (): View => current;

/** Called after every change, by the viewer or by the buttons of the browser. */
export const onView = (listener: () => void): void => void listeners.push(listener);

/** `isStep`: the back button of the browser undoes it. */
export function look(change: Partial<View>, isStep = false): void {
  current = { ...current, ...change };
  const query = queryOf(current, true);
  const address = query === '' ? location.pathname : `?${query}`;
  if (isStep) history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  tell();
}

/** Of the view, without what is as at first; `all`: with what only the page needs to know. */
export function queryOf(of: View, all = false): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(of)) {
    if (value === FIRST[name as keyof View] || (name === 'range' && !all)) continue;
    query.set(name, String(value));
  }
  return query.toString();
}

addEventListener('popstate', () => {
  current = read();
  tell();
});

function tell(): void {
  for (const listener of listeners) listener();
}

function read(): View {
  const query = new URLSearchParams(location.search);
  const text = (name: keyof View) => query.get(name) ?? String(FIRST[name]);
  const range = text('range');
  return {
    range: (RANGES.includes(range) ? range : FIRST.range) as RangeName,
    search: text('search'),
    state: text('state'),
    sort: text('sort'),
    order: text('order') === 'desc' ? 'desc' : 'asc',
    page: Math.max(1, Math.trunc(Number(text('page'))) || 1),
    client: text('client'),
  };
}
