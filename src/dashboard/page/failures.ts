import type { FailureRow } from '../failure-counts.js';
import type { DashboardSnapshot } from '../snapshot.js';
import { byId, el, setText } from './dom.js';
import { ago, count } from './words.js';

/** By reason. An item stays the same element while it is shown: the link in it may have the focus. */
const items = new Map<string, HTMLElement>();

/** Refusals by reason, with what to do about each. */
export function showFailures({ failures, generatedAt }: DashboardSnapshot): void {
  const list = byId('failures');
  byId('no-failures').hidden = failures.length > 0;
  const reasons = new Set<string>(failures.map(({ reason }) => reason));
  for (const [reason, item] of items) {
    if (reasons.has(reason)) continue;
    item.remove();
    items.delete(reason);
  }
  for (const [at, failure] of failures.entries()) {
    const item = items.get(failure.reason) ?? itemOf(failure);
    items.set(failure.reason, item);
    setText(item.querySelector('.count')!, `${count(failure.count)} ×`);
    setText(item.querySelector('.last')!, `Last seen ${ago(failure.lastSeen, generatedAt)}.`);
    if (list.children[at] !== item && !item.contains(document.activeElement))
      list.insertBefore(item, list.children[at] ?? null);
  }
}

const itemOf = ({ reason, status, message, hint, docs }: FailureRow): HTMLElement =>
  el(
    'li',
    {},
    el('p', { class: 'count' }),
    el(
      'div',
      {},
      el('h3', {}, message),
      el('p', {}, `What to do: ${hint}`),
      el(
        'p',
        { class: 'quiet' },
        el('code', {}, `${status} ${reason}`),
        ' · ',
        el('span', { class: 'last' }),
        ' ',
        el('a', { href: docs, target: '_blank', rel: 'noopener noreferrer' }, `About ${reason}`),
      ),
    ),
  );
