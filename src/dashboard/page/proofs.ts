import type { Proofs, Series } from '../ring.js';
import { byId, el, replaceIfChanged, setText } from './dom.js';
import { count, counted, duration, percent } from './words.js';

/** The strongest for the least effort first. */
const FORMS: readonly (readonly [kind: keyof Proofs, label: string, meaning: string])[] = [
  ['session', 'Session', 'a signed handshake once, then encrypted requests'],
  ['envelope', 'Envelope', 'each request signed by its caller'],
  ['signature', 'Signature', 'signed by RFC 9421, not encrypted'],
  ['apiKey', 'API key', 'a secret that travels with each request'],
];

/** What proved the callers of accepted requests, in the time that is shown. Hidden while there are none. */
export function showProofs({ proofs, overMs }: Series): void {
  const all = FORMS.reduce((sum, [kind]) => sum + proofs[kind], 0);
  byId('proofs').hidden = all === 0;
  if (all === 0) return;
  setText(byId('proofs-range'), `Of ${counted(all, 'accepted request')} in the last ${duration(overMs)}.`);
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
        el('strong', {}, `${label}: ${percent(proofs[kind] / all)}`),
        ` (${count(proofs[kind])}) `,
        el('span', { class: 'quiet' }, meaning),
      ),
    ),
  );
}
