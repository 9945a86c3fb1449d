import { expect, test } from '@jest/globals';
import { newsPart } from '../src/delivery/news-part.js';
import { LIMITS } from '../src/delivery/wire.js';

const groups = (count: number) =>
  new Map(
    Array.from({ length: count }, (_, at): [string, number] => [String(at).padStart(22, 'g'), 10 ** 14 + at]),
  );

test('who is in many groups asks about all of them in turns, each as long as a URL may be', () => {
  const known = groups(400);
  const turns = [0, 1, 2].map((turn) => newsPart(known, turn, 24_000));
  expect(new Map(turns.flatMap((part) => [...part.known]))).toEqual(known);
  for (const { known: some, waitMs } of turns) {
    expect(some.size).toBeLessThanOrEqual(LIMITS.groupsInNews);
    expect([...some].map(([id, seq]) => `${id}:${seq}`).join(',').length).toBeLessThanOrEqual(6000);
    expect(waitMs).toBe(8000);
  }
  expect(newsPart(known, 3, 24_000)).toEqual(turns[0]);
  expect(newsPart(groups(3), 7, 24_000)).toEqual({ known: groups(3), waitMs: 24_000 });
});
