import type { CutoverState } from '../../types/events.js';
import type { DashboardSnapshot } from '../snapshot.js';
import { byId, el, setText } from './dom.js';
import { addressOf } from './live.js';
import { look, queryOf, view } from './view.js';
import { count, STATE_WORDS } from './words.js';

/** A pause in typing after which the search goes to the server. */
const TYPING_MS = 200;

const search = byId<HTMLInputElement>('search');
const state = byId<HTMLSelectElement>('state');
const sort = byId<HTMLSelectElement>('sort');

let timer: ReturnType<typeof setTimeout> | undefined;
search.addEventListener('input', () => {
  clearTimeout(timer);
  timer = setTimeout(() => look({ search: search.value.trim(), page: 1 }), TYPING_MS);
});
state.addEventListener('change', () => look({ state: state.value, page: 1 }, true));
sort.addEventListener('change', () => {
  const [by = 'attention', order] = sort.value.split(' ');
  look({ sort: by, order: order === 'desc' ? 'desc' : 'asc', page: 1 }, true);
});

/** Headings that sort: the first press puts the smallest first for names, and the largest first for figures. */
for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-sort]'))
  button.addEventListener('click', () => {
    const by = button.dataset['sort']!;
    const first = by === 'name' || by === 'state' ? 'asc' : 'desc';
    const { sort: now, order } = view();
    look({ sort: by, order: now === by ? (order === 'asc' ? 'desc' : 'asc') : first, page: 1 }, true);
  });

/** The controls say what is looked at, also when that came by a link or by the back button. */
export function showTools(): void {
  const of = view();
  if (document.activeElement !== search) search.value = of.search;
  state.value = of.state;
  sort.value = of.order === 'desc' ? `${of.sort} desc` : of.sort;
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-sort]')) {
    const isBy = button.dataset['sort'] === of.sort;
    const heading = button.closest('th')!;
    if (isBy) heading.setAttribute('aria-sort', of.order === 'desc' ? 'descending' : 'ascending');
    else heading.removeAttribute('aria-sort');
  }
  const query = queryOf({ ...of, client: '', page: 1 });
  for (const format of ['csv', 'json'])
    byId<HTMLAnchorElement>(`export-${format}`).href = addressOf(`export=${format}&${query}`);
}

/** How many there are of each. Not while somebody chooses. */
export function showCounts({ clients }: DashboardSnapshot): void {
  if (!clients.kept || document.activeElement === state) return;
  const { total, safe, states } = clients;
  const options: [string, string, number][] = [
    ['', 'All clients', total],
    ['not-ready', 'Not ready', total - safe],
    ['ready', 'Ready', safe],
    ...(Object.keys(STATE_WORDS) as CutoverState[]).map((name): [string, string, number] => [
      name,
      STATE_WORDS[name],
      states[name],
    ]),
  ];
  if (state.options.length !== options.length) {
    state.replaceChildren(...options.map(([value]) => el('option', { value })));
    state.value = view().state;
  }
  for (const [at, [, label, of]] of options.entries()) setText(state.options[at]!, `${label} (${count(of)})`);
}
