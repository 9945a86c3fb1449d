// All agents of a fleet start at one moment. Times in ms.
import { EventClock, seededRandom } from './event-clock.mjs';

/** How long an agent waits before it asks again; `tries` is how often it did. */
export const RETRIES = {
  'waits as it is told (Retry-After: 1)': () => 1000,
  'doubling from 1 s, at most 60': (tries) => Math.min(60_000, 1000 * 2 ** (tries - 1)),
  'doubling from 1 s, at most 60, half of it random': (tries, random) =>
    Math.min(60_000, 1000 * 2 ** (tries - 1)) * (0.5 + random() / 2),
  'doubling from 1 s, at most 60, all of it random': (tries, random) =>
    Math.min(60_000, 1000 * 2 ** (tries - 1)) * random(),
};

/** Lets `perSecond` through in each second, or one after the other at that rate: two ways in which endpoints are limited. */
export const LIMITS = {
  'in each second': (perSecond) => {
    let [second, used] = [-1, 0];
    return (now) => {
      const at = Math.floor(now / 1000);
      if (at !== second) [second, used] = [at, 0];
      if (used === perSecond) return false;
      used += 1;
      return true;
    };
  },
  'evenly spaced': (perSecond) => {
    let free = 0;
    return (now) => {
      if (now < free) return false;
      free = now + 1000 / perSecond;
      return true;
    };
  },
};

/** Every agent asks a limited token endpoint until it has a token, or gives up after `patience`. */
export function tokenStorm({ agents, perSecond, limit, retry, rtt, tokenCost, patience, seed }) {
  const clock = new EventClock();
  const random = seededRandom(seed);
  const isLetThrough = LIMITS[limit](perSecond);
  const waitOf = RETRIES[retry];
  const server = oneAfterTheOther(clock, 1, tokenCost);
  const ready = [];
  let requests = 0;
  const network = () => rtt * (0.25 + random() / 2); // one way: half of the round trip, give or take a half
  const ask = (tries) => {
    requests += 1;
    clock.after(network(), () => {
      if (isLetThrough(clock.now)) server(() => clock.after(network(), () => ready.push(clock.now)));
      else
        clock.after(network(), () => {
          const wait = waitOf(tries, random);
          if (clock.now + wait <= patience) clock.after(wait, () => ask(tries + 1));
        });
    });
  };
  for (let i = 0; i < agents; i++) ask(1);
  clock.run();
  return { last: Math.max(...ready), share: ready.length / agents, gaveUp: agents - ready.length, requests };
}

/** Every agent sends one message that proves it, to a service of so many processes. */
export function messageStorm({ agents, processes, rtt, messageCost, seed }) {
  const clock = new EventClock();
  const random = seededRandom(seed);
  const server = oneAfterTheOther(clock, processes, messageCost);
  const network = () => rtt * (0.25 + random() / 2);
  let last = 0;
  for (let i = 0; i < agents; i++)
    clock.after(network(), () => server(() => clock.after(network(), () => (last = clock.now))));
  clock.run();
  return { last, share: 1 };
}

/** Whatever comes waits for the process that is free first. */
function oneAfterTheOther(clock, processes, cost) {
  const free = Array(processes).fill(0);
  return (done) => {
    const at = free.indexOf(Math.min(...free));
    free[at] = Math.max(free[at], clock.now) + cost;
    clock.after(free[at] - clock.now, done);
  };
}
