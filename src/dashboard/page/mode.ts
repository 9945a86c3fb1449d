import type { Mode } from '../../types/mode.js';
import type { DashboardSnapshot, ModeView } from '../snapshot.js';
import { byId, el, replaceIfChanged, setText } from './dom.js';
import { counted, fullDay, MODE_WORDS, moment, sentence } from './words.js';

const MODES = Object.keys(MODE_WORDS) as Mode[];

/** Where the migration stands, and what is between it and the next step. */
export function showMode({ mode, plan, generatedAt }: DashboardSnapshot): void {
  replaceIfChanged(
    byId('modes'),
    MODES.map((name) => {
      const place = placeOf(name, mode);
      return el(
        'li',
        { 'data-place': place, 'aria-current': place === 'now' ? 'step' : undefined },
        name,
        el('small', {}, noteOf(name, place, mode, generatedAt)),
      );
    }),
  );
  const sunset =
    mode.sunset === undefined || mode.current === 'xlink-only'
      ? ''
      : ` As announced, keys stop working on ${fullDay(mode.sunset)}.`;
  setText(byId('mode-text'), MODE_WORDS[mode.current].long + sunset);
  replaceIfChanged(byId('gate'), gate(plan));
}

type Place = 'past' | 'skipped' | 'now' | 'open';

/** Only what was in force counts as passed: of what was before this process began to count nothing is known. */
function placeOf(name: Mode, { current, passed, skipped }: ModeView): Place {
  if (name === current) return 'now';
  if (MODES.indexOf(name) > MODES.indexOf(current)) return 'open';
  if (passed.includes(name)) return 'past';
  return skipped.includes(name) ? 'skipped' : 'open';
}

function noteOf(name: Mode, place: Place, { since }: ModeView, now: number): string {
  if (place === 'now') return since === undefined ? 'now' : `now, since ${moment(since, now)}`;
  return { past: 'done', skipped: 'skipped', open: MODE_WORDS[name].short }[place];
}

function gate(plan: DashboardSnapshot['plan']): Node[] {
  if (plan === 'not-given')
    return [
      quiet(
        'Pass a MigrationPlan as the option plan, and the next step and what it still needs are shown here.',
      ),
    ];
  if (plan === 'waiting') return [quiet('The plan has not looked yet. It does once plan.start() is called.')];
  const { next, direction, ready, reason, blockers, moreBlockers } = plan;
  if (next === undefined) return [strong('The migration is complete: there is no further step.')];
  if (direction === 'back')
    return [strong(`The plan advises going back to ${next}.`, sentence(reason ?? ''))];
  if (ready) return [strong(`Next step: ${next}. It can be taken now.`)];
  const all = blockers.length + moreBlockers;
  const more = moreBlockers > 0 ? [el('li', {}, `and ${moreBlockers} more`)] : [];
  return [
    strong(`Next step: ${next}.`, `${counted(all, 'thing is', 'things are')} still in the way:`),
    el(
      'ul',
      {},
      ...blockers.map((text) => el('li', {}, el('span', { class: 'name' }, sentence(text)))),
      ...more,
    ),
  ];
}

const quiet = (text: string): Node => el('p', { class: 'quiet' }, text);
const strong = (text: string, more = ''): Node => el('p', {}, el('strong', {}, text), more && ` ${more}`);
