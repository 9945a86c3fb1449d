import { describe, expect, test } from '@jest/globals';
import { hiddenMember } from '../../src/util/hidden-member.js';

describe('a hidden member', () => {
  test('is there for its owner only, of objects of any kind', () => {
    const [mine, others] = [hiddenMember<string>(), hiddenMember<string>()];
    for (const object of [{}, [], () => {}, Object.create(null), Object.freeze({}), new Proxy({}, {})]) {
      expect(mine.get(object)).toBeUndefined();
      mine.set(object, 'first');
      mine.set(object, 'second');
      expect([mine.get(object), others.get(object)]).toEqual(['second', undefined]);
      expect(Reflect.ownKeys(object).filter((key) => !['length', 'name'].includes(String(key)))).toEqual([]);
    }
  });

  test('is not inherited, and not copied', () => {
    const mine = hiddenMember<number>();
    const object = {};
    mine.set(object, 1);
    expect([mine.get(Object.create(object)), mine.get({ ...object })]).toEqual([undefined, undefined]);
  });

  test('of what is no object is absent', () => {
    const mine = hiddenMember<number>();
    for (const value of [undefined, null, 1, 'text', true] as unknown as object[])
      expect(mine.get(value)).toBeUndefined();
  });
});
