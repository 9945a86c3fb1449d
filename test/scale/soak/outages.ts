import { setTimeout as pause } from 'node:timers/promises';
import type { SeededRandom } from '../../support/random.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import type { Place } from './places.js';
import type { Tally } from './tally.js';

/** What happens to a network. */
const TROUBLES: Readonly<Record<string, (way: TcpProxy, random: SeededRandom) => void>> = {
  cut: (way) => way.cut(),
  frozen: (way) => way.freeze(),
  'its answers held back': (way) => way.freeze('answers'),
  'silently cut': (way) => way.lose(),
  slow: (way, random) => way.delay(20 + random.below(800)),
};

const TWICE = 'everything twice';

/** One outage after the other. Let two of them run at once. */
export async function outages(
  places: readonly Place[],
  random: SeededRandom,
  untilMs: number,
  tally: Tally,
): Promise<void> {
  while (performance.now() < untilMs) {
    await pause(random.below(600));
    const place = random.pick(places);
    const way = random.pick([...place.ways, undefined]);
    if (way) {
      const trouble = random.pick([...Object.keys(TROUBLES), ...(place.mayRepeat ? [TWICE] : [])]);
      tally.count(`${place.name}: ${trouble}`);
      if (trouble === TWICE) way.repeat();
      else TROUBLES[trouble]!(way, random);
      await pause(100 + random.below(2000));
      way.heal();
      // Whatever was doubled is behind its time for as long as the connection lives.
      if (trouble === TWICE) cutOff(way);
    } else if (Object.keys(place.losses).length > 0) {
      const loss = random.pick(Object.keys(place.losses));
      tally.count(`${place.name}: ${loss}`);
      await oneByOne(place, place.losses[loss]!);
    }
  }
}

function cutOff(way: TcpProxy): void {
  way.cut();
  way.heal();
}

const underWay = new WeakMap<Place, Promise<unknown>>();

/** A server is not killed while it starts. */
function oneByOne(place: Place, loss: () => Promise<unknown>): Promise<unknown> {
  const next = (underWay.get(place) ?? Promise.resolve()).then(loss);
  underWay.set(place, next);
  return next;
}
