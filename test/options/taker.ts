/** A public function that takes an object of options. */
export interface Taker {
  /** The export, and the method if it is one. */
  readonly name: string;
  /** The published type of the object. */
  readonly type?: string;
  /** One of its options. */
  readonly option: string;
  /** Calls it with an object that has one more member than it needs. */
  readonly call: (more: object) => unknown;
}
