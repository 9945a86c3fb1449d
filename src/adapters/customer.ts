import { xlinkError } from '../errors/service-errors.js';
import { isResult } from './customer-result.js';
import { saysNo } from './customer-verdict.js';

type Members = Record<string, unknown>;

/**
 * The members of what a validator returned: its own, and those of its class, read from the object itself, so that getters and
 * private fields work; methods stay bound to it. Throws `API_KEY_INVALID` for an object that says no, and
 * `KEY_VALIDATOR_FAILED:INVALID_RESULT` for one that names nobody, such as an error, one that
 * holds an `error`, a list, a boxed value, an empty row or the answer of a database.
 */
export function membersOf(answer: unknown): Members {
  if (typeof answer !== 'object' || answer === null || isNobody(answer)) throw nobody();
  const classes = classesOf(answer);
  const members: Members = classes.length === 0 ? namedOf(answer) : {};
  for (const of of classes) addInherited(members, of, answer);
  if (classes.length > 0) for (const [name, value] of Object.entries(answer)) show(members, name, value);
  if (saysNo(members)) throw xlinkError('API_KEY_INVALID');
  const says = (value: unknown) => value !== undefined && value !== null;
  if (says(members['error']) || !Object.values(members).some(says) || isResult(answer, members))
    throw nobody();
  return members;
}

const nobody = () => xlinkError('KEY_VALIDATOR_FAILED:INVALID_RESULT');

/** What the platform has classes for is no customer. */
const NOBODIES =
  'Error Boolean Number String Symbol BigInt Date RegExp Map Set WeakMap WeakSet WeakRef Promise Arguments Response Request Headers URLSearchParams FormData Blob ReadableStream Generator AsyncGenerator'.split(
    ' ',
  );

const NOBODY_TAGS = new Set(NOBODIES.map((name) => `[object ${name}]`));

const isNobody = (answer: object): boolean =>
  answer instanceof Error ||
  Array.isArray(answer) ||
  ArrayBuffer.isView(answer) ||
  NOBODY_TAGS.has(Object.prototype.toString.call(answer));

/** The prototypes of an object, nearest last, without that of all objects. */
function classesOf(answer: object): object[] {
  const found: object[] = [];
  for (let at = Object.getPrototypeOf(answer); at; at = Object.getPrototypeOf(at)) {
    if (Object.getPrototypeOf(at) === null) break; // Object.prototype, of this realm or another
    found.unshift(at);
  }
  return found;
}

function addInherited(members: Members, from: object, answer: object): void {
  for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
    if (name === 'constructor') continue;
    if (typeof value === 'function') hide(members, name, value.bind(answer));
    else if (get) {
      try {
        show(members, name, get.call(answer));
      } catch {
        // a getter that throws has nothing to say
      }
    }
  }
}

/** A member called `__proto__` is one like any other, and cannot be assigned. */
function show(members: Members, name: string, value: unknown): void {
  if (name !== '__proto__') members[name] = value;
  else Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true });
}

/** A method is called, and is no part of what is shown, compared or logged. */
const hide = (members: Members, name: string, value: unknown) =>
  Object.defineProperty(members, name, { value, enumerable: false, configurable: true, writable: true });

/**
 * A copy whose lists and plain objects are copies too, all the way down: changing one changes no other. Dates and instances
 * of classes stay what they are.
 */
export const copyOf = <T extends object>(value: T): T => copy(value, false, new Map()) as T;

/** The value itself, after copies took the place of all that it holds: for one that was made for its owner, and is shared no further. */
export function ownedOf<T extends object>(value: T): T {
  copyMembers(value, value, false, new Map([[value, value]]));
  return value;
}

/** A copy like that, and nobody can change it. */
export const frozenCopyOf = <T extends object>(value: T): T => copy(value, true, new Map()) as T;

function copy(value: unknown, isFrozen: boolean, seen: Map<object, object>): unknown {
  if (typeof value !== 'object' || value === null || !isData(value)) return value;
  const known = seen.get(value);
  if (known) return known;
  const made = shallowCopyOf(value);
  seen.set(value, made);
  copyMembers(value, made, isFrozen, seen);
  return isFrozen ? Object.freeze(made) : made;
}

/** In a shallow copy `made` of `value`, puts copies in the place of lists and objects, and what is not enumerable. */
function copyMembers(value: object, made: object, isFrozen: boolean, seen: Map<object, object>): void {
  if (Array.isArray(made)) {
    for (let at = 0; at < made.length; at++)
      if (typeof made[at] === 'object') made[at] = copy(made[at], isFrozen, seen);
    return;
  }
  const shown = Object.keys(made);
  for (const name of shown) {
    const member = (made as Members)[name];
    if (typeof member === 'object') show(made as Members, name, copy(member, isFrozen, seen));
  }
  const names = Object.getOwnPropertyNames(value);
  if (names.length === shown.length) return;
  for (const name of names)
    if (!Object.hasOwn(made, name))
      hide(made as Members, name, copy((value as Members)[name], isFrozen, seen));
}

/** What is enumerable of a list or an object, in one of its kind. */
function shallowCopyOf(value: object): object {
  if (Array.isArray(value)) return value.slice();
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return namedOf(value);
  return Object.create(prototype, Object.getOwnPropertyDescriptors(namedOf(value)));
}

/** A literal is made faster than member by member. What libraries hang on symbols is theirs, and stays with them. */
function namedOf(value: object): Members {
  const members: Members = { ...value };
  for (const symbol of Object.getOwnPropertySymbols(members)) delete members[symbol as never];
  return members;
}

function isData(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
