import type { DashboardSnapshot } from '../snapshot.js';
import { announce } from './announce.js';
import { byId, setText } from './dom.js';
import { dayAndClock } from './words.js';

const seen = new Set<string>();
let last: string | undefined;

/** Whose figures these are. */
export function showFoot({ process: { id, pid, since } }: DashboardSnapshot): void {
  const name = pid === undefined ? `instance ${id}` : `process ${pid}`;
  setText(byId('foot'), `Counted by ${name} since ${dayAndClock(since)}.`);
  if (last !== undefined && id !== last) {
    const text = seen.has(id)
      ? 'Several instances answer in turn, each with its own figures. Open the dashboard of one of them by its own address.'
      : 'The server restarted, or another instance answers. The counts began again.';
    setText(byId('notice'), text);
    byId('notice').hidden = false;
    announce(text);
  }
  seen.add(id);
  last = id;
}
