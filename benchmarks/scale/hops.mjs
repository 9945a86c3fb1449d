// A request through several services, one after the other. Times in ms.
import { median } from '../stats.mjs';
import { EventClock, seededRandom } from './event-clock.mjs';

/**
 * The median of `iterations` walks. Each hop has `trips` over a network of `rtt` on average, give or take a half, and `cost`, what its proof
 * takes on both sides; `once` comes before the first.
 */
export function hopsTime({ hops, iterations, rtt, trips, cost, once = 0, seed }) {
  const random = seededRandom(seed);
  const times = [];
  for (let i = 0; i < iterations; i++) {
    const clock = new EventClock();
    const walk = (left) => {
      if (left === 0) return;
      let network = 0;
      for (let trip = 0; trip < trips; trip++) network += rtt * (0.5 + random());
      clock.after(network + cost, () => walk(left - 1));
    };
    clock.after(once, () => walk(hops));
    clock.run();
    times.push(clock.now);
  }
  return median(times);
}
