import type { Mode } from '../../types/mode.js';
import type { DashboardSnapshot } from '../snapshot.js';
import { byId, el, replaceIfChanged, setText } from './dom.js';
import { counted, fullDay, MODE_WORDS, moment } from './words.js';

const MODES = Object.keys(MODE_WORDS) as Mode[];

/** Where the migration stands, and what is between it and the next step. */
export function showMode({ mode, plan, generatedAt }: DashboardSnapshot): void {
  const at = MODES.indexOf(mode.current);
  replaceIfChanged(
    byId('modes'),
    MODES.map((name, place) =>
      el(
        'li',
        {
          'data-place': place < at ? 'past' : 'open',
          'aria-current': place === at ? 'step' : undefined,
        },
        name,
        el(
          'small',
          {},
          place === at
            ? `now${mode.since ? `, since ${moment(mode.since, generatedAt)}` : ''}`
            : MODE_WORDS[name].short,
        ),
      ),
    ),
  );
  const sunset =
    mode.sunset === undefined || mode.current === 'xlink-only'
      ? ''
      : ` As announced, keys stop working on ${fullDay(mode.sunset)}.`;
  setText(byId('mode-text'), MODE_WORDS[mode.current].long + sunset);
  replaceIfChanged(byId('gate'), gate(plan));
}

function gate(plan: DashboardSnapshot['plan']): Node[] {
  if (plan === 'not-given')
    return [quiet('No plan is shown here. Pass a MigrationPlan as the option plan to see the next gate.')];
  if (plan === 'waiting') return [quiet('The plan has not looked yet. It does once plan.start() is called.')];
  const { next, direction, ready, reason, blockers, moreBlockers } = plan;
  if (next === undefined) return [el('p', {}, el('strong', {}, 'The end of the way: no gate is left.'))];
  if (direction === 'back')
    return [
      el('p', {}, el('strong', {}, `The plan wants to go back to ${next}.`), ` ${sentence(reason ?? '')}`),
    ];
  if (ready)
    return [el('p', {}, el('strong', {}, `The gate to ${next} is open.`), ' Nothing is in the way.')];
  const all = blockers.length + moreBlockers;
  const more = moreBlockers > 0 ? [el('li', {}, `and ${moreBlockers} more`)] : [];
  return [
    el(
      'p',
      {},
      el('strong', {}, `Next gate: ${next}.`),
      ` ${counted(all, 'thing is', 'things are')} in the way:`,
    ),
    el(
      'ul',
      {},
      ...blockers.map((text) => el('li', {}, el('span', { class: 'name' }, sentence(text)))),
      ...more,
    ),
  ];
}

const quiet = (text: string): Node => el('p', { class: 'quiet' }, text);

/** With a capital and a full stop, unless it begins with a name. */
function sentence(text: string): string {
  const capital = text.startsWith('xLink') ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.…]$/.test(capital) || capital === '' ? capital : `${capital}.`;
}
