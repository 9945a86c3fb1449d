import { MODES, type Mode } from '../../types/mode.js';
import type { DashboardSnapshot } from '../snapshot.js';
import { ask, type Draft } from './action-dialog.js';
import { byId, el } from './dom.js';

export { onDone } from './action-dialog.js';

let latest: DashboardSnapshot | undefined;

/** Buttons for those who may change something. What they do is asked back about. */
export function showActions(snapshot: DashboardSnapshot): void {
  latest = snapshot;
  const mayAct = snapshot.operator !== undefined;
  byId('mode-actions').hidden = !mayAct;
  byId('client-actions').hidden = !mayAct;
  const { plan } = snapshot;
  const isReady = typeof plan === 'object' && plan.ready && plan.next !== undefined;
  byId('do-step').hidden = !isReady;
}

function offer(button: string, draft: (snapshot: DashboardSnapshot) => Draft | undefined): void {
  byId(button).addEventListener('click', () => {
    const wanted = latest && draft(latest);
    if (wanted) ask(wanted, latest?.operator ?? '');
  });
}

offer('do-step', ({ plan, mode }) => {
  if (typeof plan !== 'object' || plan.next === undefined) return undefined;
  const { next: to } = plan;
  return {
    title: `Take the step to ${to}`,
    fields: [],
    wanted: () => ({ action: 'step', seen: mode.current, to }),
  };
});

offer('do-brownout', ({ mode, generatedAt }) => {
  const inAnHour = Math.ceil((generatedAt + 3_600_000) / 900_000) * 900_000;
  const from = el('input', {
    type: 'datetime-local',
    id: 'action-from',
    required: '',
    value: localTime(inAnHour),
  });
  const length = choice('action-length', [
    ['15', '15 minutes'],
    ['60', '1 hour'],
    ['240', '4 hours'],
    ['1440', '24 hours'],
  ]);
  return {
    title: 'Schedule a brownout',
    fields: [
      ['Keys are refused from (your local time)', from],
      ['For', length],
    ],
    wanted: () => {
      const start = new Date((from as HTMLInputElement).value).getTime();
      return {
        action: 'brownout',
        seen: mode.current,
        from: start,
        until: start + Number((length as HTMLSelectElement).value) * 60_000,
      };
    },
  };
});

offer('do-client-mode', ({ client }) => {
  if (typeof client !== 'object') return undefined;
  const { row, mode: seen } = client;
  const ahead = MODES[Math.min(MODES.indexOf(seen) + 1, MODES.length - 1)]!;
  const options = MODES.filter((mode) => mode !== seen).map((mode): [string, string] => [mode, mode]);
  const to = choice('action-to', [...options, ['follow', 'the mode of the API']]) as HTMLSelectElement;
  if (ahead !== seen) to.value = ahead;
  return {
    title: `Change the mode of ${row.name}`,
    fields: [[`It is ${seen} now; change it to`, to]],
    wanted: () => ({ action: 'client-mode', client: row.id, seen, to: to.value as Mode | 'follow' }),
  };
});

function choice(id: string, options: readonly (readonly [string, string])[]): HTMLElement {
  return el('select', { id }, ...options.map(([value, label]) => el('option', { value }, label)));
}

/** As an input of that type has it: the time of this machine, without a zone. */
function localTime(time: number): string {
  const date = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 16);
}
