// One process may hold several copies of this package: its ESM and its CommonJS build, or two installs.
// What they must agree on hangs on symbols of the process.
const symbolOf = (name: string): symbol => Symbol.for(`@private.me/xlink/${name}`);

/** One value for all copies: made by the first that asks. Change the name when its shape changes. */
export function sharedByCopies<T>(name: string, make: () => T): T {
  const symbol = symbolOf(name);
  if (!Object.hasOwn(globalThis, symbol)) Object.defineProperty(globalThis, symbol, { value: make() });
  return (globalThis as unknown as Record<symbol, T>)[symbol]!;
}

/** Lets `instanceof` hold for instances of the same class of another copy. Called in the static block of the class. */
export function branded(owner: { readonly prototype: object }, name: string): void {
  const brand = symbolOf(name);
  Object.defineProperty(owner.prototype, brand, { value: true });
  Object.defineProperty(owner, Symbol.hasInstance, {
    value(this: object, value: unknown): boolean {
      if (this !== owner) return Function.prototype[Symbol.hasInstance].call(this, value); // a subclass
      return typeof value === 'object' && value !== null && brand in value;
    },
  });
}
