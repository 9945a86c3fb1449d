import type { Proofs, Series } from '../ring.js';
import { byId, el, replaceIfChanged } from './dom.js';
import { count } from './words.js';

/** Counts, and no shares: there is one figure of that sort on the page. */
const FORMS: readonly (readonly [kind: keyof Proofs, label: string, meaning: string])[] = [
  ['session', 'Session', 'signed once, at its start'],
  ['envelope', 'Envelope', 'each one signed'],
  ['signature', 'Signature', 'signed, not encrypted'],
  ['apiKey', 'API key', 'a shared secret'],
];

/** What proved the callers of accepted requests, in the time that is shown. Hidden while there are none. */
export function showProofs({ proofs }: Series): void {
  const all = FORMS.reduce((sum, [kind]) => sum + proofs[kind], 0);
  byId('proofs').hidden = all === 0;
  if (all === 0) return;
  const used = FORMS.filter(([kind]) => proofs[kind] > 0);
  replaceIfChanged(
    byId('proofs-bar'),
    used.map(([kind]) => {
      const part = el('span', { 'data-kind': kind });
      part.style.width = `${(100 * proofs[kind]) / all}%`;
      return part;
    }),
  );
  replaceIfChanged(
    byId('proofs-list'),
    FORMS.map(([kind, label, meaning]) =>
      el(
        'li',
        {},
        el('span', { class: 'swatch', 'data-kind': kind, 'aria-hidden': 'true' }),
        `${label}: `,
        el('strong', {}, count(proofs[kind])),
        el('span', { class: 'quiet' }, `, ${meaning}`),
      ),
    ),
  );
}
