import type { CutoverState } from '../../types/events.js';
import type { ClientRow } from '../client-view.js';
import type { DashboardSnapshot } from '../snapshot.js';
import { byId, el, replaceIfChanged, setText } from './dom.js';
import { ago, count, counted, STATE_WORDS } from './words.js';

/** A pause in typing after which the search goes to the server. */
const TYPING_MS = 200;

/** Calls `search` with what is looked for. */
export function onSearch(search: (text: string) => void): void {
  const input = byId<HTMLInputElement>('search');
  let timer: ReturnType<typeof setTimeout> | undefined;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => search(input.value.trim()), TYPING_MS);
  });
}

const WHY_NOT = {
  'not-configured':
    'The adapter keeps no clients. Give DualModeAdapter the option clients, such as a MemoryClientStore, and this becomes a table of who still uses a key.',
  unavailable: 'The client store did not answer. It is asked again; the other figures do not depend on it.',
};

/** Who still uses keys, and who is safe to switch. */
export function showClients({ clients, generatedAt }: DashboardSnapshot): void {
  const table = byId('clients-table');
  table.hidden = !clients.kept || clients.rows.length === 0;
  byId('search-box').hidden = !clients.kept || clients.total === 0;
  byId('clients-more').hidden = !clients.kept || clients.matching <= clients.rows.length;
  if (!clients.kept) {
    replaceIfChanged(byId('states'), []);
    setText(byId('clients-text'), WHY_NOT[clients.why]);
    return;
  }
  const { total, safe, states, matching, rows } = clients;
  setText(byId('clients-text'), total === 0 ? 'No client was seen yet.' : summary(total, safe, matching));
  setText(
    byId('clients-more'),
    `The first ${count(rows.length)} of ${count(matching)} are shown, and ${count(matching - rows.length)} more are not. Search by name to find one.`,
  );
  const present = (Object.keys(STATE_WORDS) as CutoverState[]).filter((state) => states[state] > 0);
  replaceIfChanged(
    byId('states'),
    present.map((state) => el('li', {}, `${STATE_WORDS[state]} `, el('b', {}, count(states[state])))),
  );
  replaceIfChanged(
    byId('clients'),
    rows.map((row) => line(row, generatedAt)),
  );
}

function summary(total: number, safe: number, matching: number): string {
  const verdict =
    safe === total
      ? `All ${counted(total, 'client')} would keep working without keys.`
      : `${count(safe)} of ${counted(total, 'client')} would keep working without keys.`;
  const found =
    matching === total ? '' : ` ${counted(matching, 'client matches', 'clients match')} the search.`;
  return verdict + found;
}

function line(row: ClientRow, now: number): Node {
  const { name, state, reason, safe, keyRequests, failures, lastKeyUse, lastXlinkUse } = row;
  const cell = (label: string, content: Node | string, more = '') =>
    el('td', { role: 'cell', 'data-label': label, ...(more ? { class: more } : {}) }, content);
  return el(
    'tr',
    { role: 'row' },
    el('th', { role: 'rowheader', scope: 'row' }, el('bdi', { class: 'name' }, name)),
    el(
      'td',
      { role: 'cell', class: 'state-cell' },
      el('span', { class: 'state' }, STATE_WORDS[state]),
      el('span', { class: 'why' }, `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`),
    ),
    cell('Last key use', time(lastKeyUse, now)),
    cell('Last xLink use', time(lastXlinkUse, now)),
    cell('By key', count(keyRequests), 'number'),
    cell('By xLink', byXlink(row), 'number'),
    cell('Failed', count(failures), 'number'),
    cell(
      'Safe to switch',
      el('span', { class: 'verdict', 'data-safe': String(safe) }, safe ? '✓ Safe' : 'Not yet'),
    ),
  );
}

/** How many of them were signed without an envelope is said where there are any. */
const byXlink = ({ xlinkRequests, signatureRequests }: ClientRow): string =>
  signatureRequests === undefined
    ? count(xlinkRequests)
    : `${count(xlinkRequests)} (${count(signatureRequests)} signed)`;

function time(at: number | undefined, now: number): Node | string {
  if (at === undefined) return 'never';
  const iso = new Date(at).toISOString();
  return el('time', { datetime: iso, title: iso }, ago(at, now));
}
