import type { CutoverState } from '../../types/events.js';
import type { ClientDetail } from '../client-detail.js';
import type { DashboardSnapshot } from '../snapshot.js';
import { byXlink } from './clients.js';
import { byId, el, nameOf, replaceIfChanged, setText } from './dom.js';
import { itemOf } from './failures.js';
import { look, view } from './view.js';
import { ago, count, dayAndClock, fullDay, STATE_ADVICE, STATE_WORDS, sentence } from './words.js';

const dialog = byId<HTMLDialogElement>('client');
byId('client-close').addEventListener('click', () => dialog.close());
/** Escape, the button and the back button all end here. */
dialog.addEventListener('close', () => {
  if (view().client !== '') look({ client: '' }, true);
});

/** Opens and closes as the address says. */
export function showDialog(): void {
  const isWanted = view().client !== '';
  if (isWanted && !dialog.open) {
    if (byId('client-body').dataset['of'] !== view().client) waitFor(view().client);
    dialog.showModal();
    dialog.scrollTop = 0;
  } else if (!isWanted && dialog.open) dialog.close();
}

function waitFor(id: string): void {
  byId('client-body').dataset['of'] = id;
  byId('client-body').hidden = true;
  setText(byId('client-name'), id);
  setText(byId('client-state'), 'Loading…');
  setText(byId('client-advice'), '');
}

/** All that is known about one client. */
export function showClient({ client, clients, generatedAt }: DashboardSnapshot): void {
  if (view().client === '') return;
  if (client === undefined || client === 'unknown') {
    if (client === undefined && clients.kept) return; // of a view that was left meanwhile
    byId('client-body').hidden = true;
    setText(byId('client-state'), 'Nothing is known about this client.');
    setText(byId('client-advice'), '');
    return;
  }
  if (client.row.id !== view().client) return;
  const { row, mode, dids, moreDids, failures, routes, timeline } = client;
  byId('client-body').dataset['of'] = row.id;
  byId('client-body').hidden = false;
  replaceIfChanged(byId('client-name'), [nameOf(row.name)]);
  setText(byId('client-state'), `${STATE_WORDS[row.state]}: it ${row.reason}.`);
  setText(byId('client-advice'), `${row.safe ? 'Ready. ' : ''}${STATE_ADVICE[row.state]}`);
  replaceIfChanged(byId('client-steps'), stepsOf(client));
  const fact = (name: string, text: string) => el('div', {}, el('dt', {}, name), el('dd', {}, text));
  replaceIfChanged(byId('client-facts'), [
    fact('Mode', mode),
    fact('Last key use', ago(row.lastKeyUse, generatedAt)),
    fact('Last xLink use', ago(row.lastXlinkUse, generatedAt)),
    fact('Requests by key', count(row.keyRequests)),
    fact('Requests by xLink', byXlink(row)),
    fact('Refused', count(row.failures)),
  ]);
  byId('client-no-failures').hidden = failures.length > 0;
  replaceIfChanged(
    byId('client-failures'),
    failures.map((failure) => {
      const item = itemOf(failure);
      setText(item.querySelector('.count')!, `${count(failure.count)}×`);
      return item;
    }),
  );
  byId('client-no-routes').hidden = routes.length > 0;
  byId('client-routes-table').hidden = routes.length === 0;
  const cell = (text: string) => el('td', { class: 'number' }, text);
  replaceIfChanged(
    byId('client-routes'),
    routes.map(({ route, key, xlink, refused, lastKeyUse, lastXlinkUse }) =>
      el(
        'tr',
        {},
        el('th', { scope: 'row' }, el('span', { class: 'name' }, route)),
        cell(count(key)),
        cell(ago(lastKeyUse, generatedAt)),
        cell(count(xlink)),
        cell(ago(lastXlinkUse, generatedAt)),
        cell(count(refused)),
      ),
    ),
  );
  byId('client-no-dids').hidden = dids.length > 0;
  replaceIfChanged(byId('client-dids'), [
    ...dids.map(({ did, validUntil }) =>
      el(
        'li',
        {},
        el('code', { class: 'name' }, did),
        validUntil === undefined
          ? ''
          : ` ${validUntil > generatedAt ? 'ends' : 'ended'} ${fullDay(validUntil)}`,
      ),
    ),
    ...(moreDids > 0 ? [el('li', {}, `and ${count(moreDids)} older`)] : []),
  ]);
  replaceIfChanged(
    byId('client-timeline'),
    timeline.map(({ at, text }) =>
      el(
        'li',
        {},
        el('time', { datetime: new Date(at).toISOString() }, dayAndClock(at)),
        ' ',
        el('span', { class: 'name' }, sentence(text)),
      ),
    ),
  );
  byId('client-no-timeline').hidden = timeline.length > 0;
}

const WORKS: readonly CutoverState[] = ['key-in-use', 'key-switched-off', 'moved'];
const QUIET: readonly CutoverState[] = ['key-switched-off', 'moved'];

/** How far the client is, step by step. */
function stepsOf({ row: { state, lastXlinkUse }, dids }: ClientDetail): Node[] {
  const step = (isDone: boolean, text: string) =>
    el(
      'li',
      { 'data-done': String(isDone) },
      el('span', { 'aria-hidden': 'true' }, isDone ? '✓ ' : '○ '),
      text,
      el('span', { class: 'unseen' }, isDone ? ' (done)' : ' (not yet)'),
    );
  return [
    step(dids.length > 0, 'Has an identity'),
    step(lastXlinkUse !== undefined, 'Has used xLink'),
    step(WORKS.includes(state), 'xLink works now'),
    step(QUIET.includes(state), 'No longer uses its key'),
  ];
}
