import type { FailureRow } from '../failure-counts.js';
import type { DashboardSnapshot } from '../snapshot.js';
import type { Explanation } from '../what-to-do.js';
import { byId, el, KeyedList, setText } from './dom.js';
import { ago, count } from './words.js';

let now = 0;

const list = new KeyedList<FailureRow>(
  byId('failures'),
  ({ reason }) => reason,
  (failure) => {
    const item = itemOf(failure);
    item.querySelector('.code')!.append(' ', el('span', { class: 'last' }));
    return item;
  },
  (item, failure) => {
    setText(item.querySelector('.count')!, `${count(failure.count)}×`);
    setText(item.querySelector('.last')!, `Last seen ${ago(failure.lastSeen, now)}.`);
  },
);

/** Refusals by reason, with what to do about each. */
export function showFailures({ failures, generatedAt }: DashboardSnapshot): void {
  byId('no-failures').hidden = failures.length > 0;
  now = generatedAt;
  list.show(failures);
}

/** A reason; the count is left empty. */
export const itemOf = ({ reason, status, message, hint, docs }: Explanation): HTMLElement =>
  el(
    'li',
    {},
    el('p', { class: 'count' }),
    el(
      'div',
      {},
      el('p', { class: 'what' }, message),
      el('p', {}, `What to do: ${hint}`),
      el(
        'p',
        { class: 'quiet code' },
        el('code', {}, `${status} ${reason}`),
        ' · ',
        el('a', { href: docs, target: '_blank', rel: 'noopener noreferrer' }, `About ${reason}`),
      ),
    ),
  );
