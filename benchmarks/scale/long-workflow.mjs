// A workflow that proves itself `perMinute` times a minute, for hours. Times in ms.
import { EventClock } from './event-clock.mjs';

const MINUTE = 60_000;

/** What becomes of a workflow when its token is over. `isOver`: the work ends at this moment. */
export const ON_EXPIRY = {
  /** All is done again within no time, also when nothing was left to do: the way of counting behind 2.5 and 4.0. */
  'replayed in no time': ({ done }) => ({ again: done }),
  'replayed in no time, unless it is done': ({ done, isOver }) => ({ again: isOver ? 0 : done }),
  'from the start, as slowly as before': ({ isOver }) => ({ fromStart: !isOver }),
  'goes on with a new token': ({ isOver }) => ({ tokens: isOver ? 0 : 1 }),
};

/**
 * Counts the times it proves itself (`events`) and the tokens beside the first one, until `minutes` of work are done; `isEndless` if they are
 * not after ten times as long.
 */
export function longWorkflow({ minutes, perMinute, lifetimeMinutes, onExpiry }) {
  const clock = new EventClock();
  const counts = { events: 0, restarts: 0, tokens: 0 };
  let [done, minutesDone, validUntil] = [0, 0, (lifetimeMinutes ?? Infinity) * MINUTE];
  const work = () => {
    counts.events += perMinute;
    done += perMinute;
    minutesDone += 1;
    if (clock.now >= validUntil) expire();
    if (minutesDone < minutes) clock.after(MINUTE, work);
  };
  const expire = () => {
    const isOver = minutesDone === minutes;
    const { again = 0, fromStart = false, tokens = 0 } = ON_EXPIRY[onExpiry]({ done, isOver });
    counts.events += again;
    counts.tokens += tokens;
    if (again > 0 || fromStart) counts.restarts += 1;
    if (fromStart) [done, minutesDone] = [0, 0];
    validUntil = clock.now + lifetimeMinutes * MINUTE;
  };
  clock.after(MINUTE, work);
  clock.run(10 * minutes * MINUTE);
  return { ...counts, isEndless: minutesDone < minutes };
}
