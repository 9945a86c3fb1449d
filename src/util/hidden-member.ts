/** A member that objects of any class can have, and that only its owner can read or write. */
export interface HiddenMember<T> {
  get(object: object): T | undefined;
  set(object: object, value: T): void;
}

/** A constructor may return another object, and a class that extends it then adds its private members to that one. */
class Itself {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is what it is for
    return object;
  }
}

/**
 * As a `WeakMap` does, without its price: what an entry holds survives every young collection, so with one entry for each
 * request a small API spent a fifth of its time in the garbage collector (Node 24).
 */
export function hiddenMember<T>(): HiddenMember<T> {
  return class Holder extends Itself {
    #value: T;

    private constructor(object: object, value: T) {
      super(object);
      this.#value = value;
    }

    static get(object: object): T | undefined {
      return isObject(object) && #value in object ? object.#value : undefined;
    }

    static set(object: object, value: T): void {
      if (#value in object) object.#value = value;
      else new Holder(object, value);
    }
  };
}

/** As with a `WeakMap`, anything else simply has none. */
const isObject = (value: unknown): boolean =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';
