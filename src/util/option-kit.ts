import * as checks from './options.js';

/** Checks of options that throw the error of the package that takes them. */
export interface OptionKit {
  /** Throws for a name that is not among `known`, with the nearest one. `owner`: whose options they are, for the message. */
  checkNames(owner: string, options: object, known: readonly string[]): void;
  /** Throws unless the value is absent or `isGood`; `what` says what it must be. */
  checkValue<T>(
    owner: string,
    name: string,
    value: T | undefined,
    isGood: (value: T) => boolean,
    what: string,
  ): void;
}

/**
 * For packages that build on this one: options are checked as here, and unknown names refused with a suggestion. `invalid` makes the error,
 * from the name of the option and what is wrong with it.
 */
export const optionKit = (invalid: (field: string, hint: string) => Error): OptionKit => ({
  checkNames(owner, options, known) {
    if (!isOptions(options))
      throw invalid('options', `${owner} takes an object of options: ${known.join(', ')}.`);
    const unknown = Object.keys(options).find((name) => !known.includes(name));
    if (unknown !== undefined) throw invalid(unknown, `${owner}: ${checks.suggestion(unknown, known)}`);
  },
  checkValue(owner, name, value, isGood, what) {
    if (value !== undefined && !isGood(value)) throw invalid(name, `${owner}: ${name} must be ${what}.`);
  },
});

const passes =
  (check: checks.OptionCheck) =>
  (value: unknown): boolean =>
    check(value) === undefined;

const isOptions = passes(checks.isObject);
/** A function, async or not. */
export const isFunction = passes(checks.isFunction);
/** A string that is not empty. */
export const isText = passes(checks.isString);
/** `true` or `false`. */
export const isBoolean = passes(checks.isBoolean);
/** A whole number, both ends included. */
export const integerIn = (min: number, max: number) => passes(checks.integerIn(min, max));
/** An object with these methods, such as a store. */
export const hasMethods = (...names: readonly string[]) => passes(checks.hasMethods(...names));
