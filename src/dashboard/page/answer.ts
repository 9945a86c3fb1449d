import type { ClientRow } from '../client-row.js';
import type { DashboardSnapshot } from '../snapshot.js';
import { byId, el, KeyedList, nameOf, setText } from './dom.js';
import { look } from './view.js';
import { count, counted, sentence } from './words.js';

/** The first thing to read: can keys be turned off, and if not, because of whom. */
export function showAnswer({ clients, mode }: DashboardSnapshot): void {
  const [title, text, more] = [byId('answer-title'), byId('answer-text'), byId('answer-more')];
  const share = clients.kept && clients.total > 0 ? clients.safe / clients.total : 0;
  (byId('answer-bar').firstElementChild as HTMLElement).style.width = `${100 * share}%`;
  byId('answer-bar').hidden = !clients.kept || clients.total === 0;
  more.hidden = true;
  if (!clients.kept || clients.total === 0) {
    waiting.show([]);
    setText(title, clients.kept ? 'No client has called yet' : 'Nobody knows yet who is ready');
    setText(text, clients.kept ? 'Clients are listed here once they call.' : WHY_NOT[clients.why]);
    return;
  }
  const { total, safe } = clients;
  const left = total - safe;
  setText(title, headline(total, safe));
  setText(text, explanation(left, mode.current === 'xlink-only'));
  waiting.show(clients.waiting);
  more.hidden = left <= clients.waiting.length;
  setText(more, `Show all ${count(left)}`);
}

function headline(total: number, safe: number): string {
  if (safe === total)
    return total === 1 ? 'The only client is ready' : `All ${count(total)} clients are ready`;
  return `${count(safe)} of ${counted(total, 'client')} ${safe === 1 ? 'is' : 'are'} ready`;
}

function explanation(left: number, keysAreOff: boolean): string {
  if (left === 0)
    return keysAreOff ? 'All of them work on xLink.' : 'Turning keys off would stop none of them.';
  const who = left === 1 ? 'This one is' : left === 2 ? 'These two are' : `These ${count(left)} are`;
  return keysAreOff ? `Keys are refused. ${who} not working on xLink:` : `${who} not, because:`;
}

export const WHY_NOT = {
  'not-configured':
    'The adapter keeps no clients. Give DualModeAdapter the option clients, such as a MemoryClientStore, and this page says who still uses a key.',
  unavailable: 'The client store did not answer. It is asked again; the other figures do not depend on it.',
};

const waiting = new KeyedList<ClientRow>(
  byId('waiting'),
  ({ id }) => id,
  ({ id, name }) => {
    const open = el('button', { type: 'button', class: 'link' }, nameOf(name));
    open.addEventListener('click', () => look({ client: id }, true));
    return el('li', {}, open, ' ', el('span', { class: 'because' }));
  },
  (item, { reason }) => setText(item.querySelector('.because')!, sentence(reason)),
);

byId('answer-more').addEventListener('click', () => {
  look({ state: 'not-ready', search: '', page: 1 }, true);
  byId('clients-title').scrollIntoView();
  byId('state').focus({ preventScroll: true });
});
