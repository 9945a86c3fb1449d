import type { ClientRow } from '../client-row.js';
import type { DashboardSnapshot } from '../snapshot.js';
import { WHY_NOT } from './answer.js';
import { byId, el, KeyedList, nameOf, setText } from './dom.js';
import { look } from './view.js';
import { ago, count, counted, STATE_WORDS, sentence } from './words.js';

/** The table of clients, a page of it at a time. */
export function showClients({ clients, generatedAt }: DashboardSnapshot): void {
  byId('clients-table').hidden = !clients.kept || clients.rows.length === 0;
  byId('clients-tools').hidden = !clients.kept || clients.total === 0;
  byId('exports').hidden = !clients.kept || clients.total === 0;
  byId('pages').hidden = !clients.kept || clients.pages === 1;
  if (!clients.kept) {
    setText(byId('clients-text'), WHY_NOT[clients.why]);
    return;
  }
  const { total, matching, page, pages, rows } = clients;
  now = generatedAt;
  table.show(rows);
  setText(byId('clients-text'), total === 0 ? 'No client has called yet.' : summary(total, matching));
  setText(byId('page-text'), `Page ${count(page)} of ${count(pages)}`);
  shownPage = page;
  byId<HTMLButtonElement>('page-before').disabled = page <= 1;
  byId<HTMLButtonElement>('page-after').disabled = page >= pages;
}

let now = 0;
let shownPage = 1;

function summary(total: number, matching: number): string {
  if (matching === total) return `${counted(total, 'client')}.`;
  return `${count(matching)} of ${counted(total, 'client')} ${matching === 1 ? 'matches' : 'match'}.`;
}

for (const [id, step] of [
  ['page-before', -1],
  ['page-after', 1],
] as const)
  byId(id).addEventListener('click', () => {
    look({ page: Math.max(1, shownPage + step) }, true);
    byId('clients-title').scrollIntoView();
  });

const table = new KeyedList<ClientRow>(
  byId('clients'),
  ({ id }) => id,
  ({ id, name }) => {
    const cell = (part: string, label: string, more = '') =>
      el('td', { role: 'cell', 'data-part': part, 'data-label': label, ...(more ? { class: more } : {}) });
    const open = el('button', { type: 'button', class: 'link' }, nameOf(name));
    open.addEventListener('click', () => look({ client: id }, true));
    return el(
      'tr',
      { role: 'row' },
      el('th', { role: 'rowheader', scope: 'row' }, open),
      el(
        'td',
        { role: 'cell', class: 'state-cell' },
        el('span', { class: 'state' }),
        el('span', { class: 'why' }),
      ),
      cell('key-use', 'Last key use'),
      cell('xlink-use', 'Last xLink use'),
      cell('key', 'By key', 'number'),
      cell('xlink', 'By xLink', 'number'),
      cell('failures', 'Refused', 'number'),
      el('td', { role: 'cell', class: 'verdict-cell' }, el('span', { class: 'verdict' })),
    );
  },
  (line, row) => {
    const part = (name: string) => line.querySelector(`[data-part=${name}]`)!;
    setText(line.querySelector('.state')!, STATE_WORDS[row.state]);
    setText(line.querySelector('.why')!, sentence(row.reason));
    setTime(part('key-use'), row.lastKeyUse);
    setTime(part('xlink-use'), row.lastXlinkUse);
    setText(part('key'), count(row.keyRequests));
    setText(part('xlink'), byXlink(row));
    setText(part('failures'), count(row.failures));
    const verdict = line.querySelector<HTMLElement>('.verdict')!;
    line.dataset['ready'] = String(row.safe);
    verdict.dataset['safe'] = String(row.safe);
    setText(verdict, row.safe ? '✓ Ready' : 'Not yet');
  },
);

/** How many of them were signed without an envelope is said where there are any. */
export const byXlink = ({ xlinkRequests, signatureRequests }: ClientRow): string =>
  signatureRequests === undefined
    ? count(xlinkRequests)
    : `${count(xlinkRequests)} (${count(signatureRequests)} signed)`;

function setTime(cell: Element, at: number | undefined): void {
  if (at === undefined) {
    setText(cell, 'never');
    return;
  }
  const iso = new Date(at).toISOString();
  if (cell.firstElementChild?.getAttribute('datetime') !== iso)
    cell.replaceChildren(el('time', { datetime: iso, title: iso }));
  setText(cell.firstElementChild!, ago(at, now));
}
