import { isXlinkError, xlinkError } from '../errors/service-errors.js';
import { isObject, type OptionChecks, suggestion } from '../util/options.js';
import { linesOfJson } from './json-lines.js';
import { MAX_DEPTH, MAX_POLICY_BYTES, MAX_RULES, MAX_VALUES } from './limits.js';
import type { PolicyDocument, PolicyLimits, PolicyRule } from './rule.js';
import {
  AMOUNT_CHECKS,
  DOCUMENT_CHECKS,
  isRequirement,
  LIMIT_CHECKS,
  RULE_CHECKS,
  TIME_CHECKS,
} from './rule-checks.js';
import type { PolicySource } from './source.js';

/** A rule that has a name. */
export type NamedRule = PolicyRule & { readonly id: string };

/** A policy that was checked. */
export interface ParsedPolicy {
  readonly rules: readonly NamedRule[];
  readonly otherwise: 'allow' | 'deny';
}

/** Rejects with `POLICY_INVALID:UNREADABLE` too, for what is not an error of this library. */
export async function parsePolicyFrom(source: PolicySource): Promise<ParsedPolicy> {
  let text: string;
  try {
    text = await source.load();
  } catch (cause) {
    throw isXlinkError(cause) ? cause : xlinkError('POLICY_INVALID:UNREADABLE', { cause });
  }
  if (typeof text !== 'string') throw xlinkError('POLICY_INVALID:UNREADABLE', { field: 'source' });
  return parsePolicyText(text);
}

/** Throws `POLICY_INVALID` with the path of what is wrong, and its line where the text is known. */
function parsePolicyText(text: string): ParsedPolicy {
  let document: unknown;
  if (text.length > MAX_POLICY_BYTES)
    fail('', `is larger than ${MAX_POLICY_BYTES} characters.`, () => undefined);
  if (isTooDeep(text)) fail('', `is nested more than ${MAX_DEPTH} deep.`, () => undefined);
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw xlinkError('POLICY_INVALID', { cause, hint: 'The policy is not JSON; see `cause`.' });
  }
  const { lines, twice } = linesOfJson(text);
  const where = (path: string) => (lines.has(path) ? `line ${lines.get(path)}` : undefined);
  if (twice !== undefined) fail(twice, 'is there twice; one of them would do nothing.', where);
  return parsePolicy(document as PolicyDocument, where);
}

type Where = (path: string) => string | undefined;

/** The same of a document. `where` says in which line a path is. */
export function parsePolicy(document: PolicyDocument, where: Where = () => undefined): ParsedPolicy {
  const check = <T extends object>(path: string, value: T, checks: OptionChecks<T>) =>
    checkMembers(path, value, checks, where);
  check('', document, DOCUMENT_CHECKS);
  if (document.rules === undefined) fail('rules', 'is required.', where);
  assertSize(document.rules, where);
  const ids = new Set<string>();
  const rules = document.rules.map((rule, index): NamedRule => {
    const path = `rules[${index}]`;
    check(path, rule, RULE_CHECKS);
    rule.require?.forEach((requirement, each) => {
      const complaint = isRequirement(requirement);
      if (complaint) fail(`${path}.require[${each}]`, `must be ${complaint}.`, where);
    });
    if (rule.time) check(`${path}.time`, rule.time, TIME_CHECKS);
    if (rule.amount) check(`${path}.amount`, rule.amount, AMOUNT_CHECKS);
    if (rule.limits) check(`${path}.limits`, rule.limits, LIMIT_CHECKS);
    assertMeaning(path, rule, where);
    const id = rule.id ?? `rule-${index + 1}`;
    if (ids.has(id)) fail(`${path}.id`, 'is the name of another rule, too.', where);
    ids.add(id);
    return deepFrozen({ ...structuredClone(rule), id });
  });
  return { rules, otherwise: document.otherwise ?? 'allow' };
}

/** What takes long to check, and to judge by. */
function assertSize(rules: readonly PolicyRule[], where: Where): void {
  if (rules.length > MAX_RULES)
    fail('rules', `are ${rules.length}; a policy has at most ${MAX_RULES}.`, where);
  let values = 0;
  for (const [index, rule] of rules.entries())
    for (const list of Object.values(rule ?? {})) {
      if (Array.isArray(list)) values += list.length;
      if (values > MAX_VALUES)
        fail(`rules[${index}]`, `with it, lists have more than ${MAX_VALUES} entries in all.`, where);
    }
}

/** Before it is parsed by what calls itself for each level. */
function isTooDeep(text: string): boolean {
  let [depth, isText] = [0, false];
  for (let at = 0; at < text.length && depth <= MAX_DEPTH; at++) {
    const char = text[at];
    if (isText && char === '\\') at++;
    else if (char === '"') isText = !isText;
    else if (!isText && (char === '[' || char === '{')) depth++;
    else if (!isText && (char === ']' || char === '}')) depth--;
  }
  return depth > MAX_DEPTH;
}

/** What is in form and means nothing. */
function assertMeaning(path: string, { effect, require, limits, amount }: PolicyRule, where: Where): void {
  if (effect === 'deny' && require?.length)
    fail(`${path}.require`, 'does nothing in a rule that denies.', where);
  if (effect === 'deny' && limits) fail(`${path}.limits`, 'does nothing in a rule that denies.', where);
  if (limits && isEmpty(limits)) fail(`${path}.limits`, 'names no limit.', where);
  if (amount && amount.above === undefined && amount.atMost === undefined)
    fail(`${path}.amount`, 'names no amount.', where);
  if (amount && (amount.atMost ?? 0) < 0)
    fail(`${path}.amount.atMost`, 'is about no amount: amounts are compared without their sign.', where);
  if (amount && (amount.above ?? -Infinity) >= (amount.atMost ?? Infinity))
    fail(`${path}.amount`, 'is about no amount: above is not less than atMost.', where);
}

const isEmpty = (limits: PolicyLimits): boolean =>
  Object.values(limits).every((value) => value === undefined);

function checkMembers<T extends object>(path: string, value: T, checks: OptionChecks<T>, where: Where): void {
  const complaint = isObject(value);
  if (complaint) fail(path, `must be ${complaint}.`, where);
  for (const name of Object.keys(value)) {
    const full = path === '' ? name : `${path}.${name}`;
    if (!Object.hasOwn(checks, name)) fail(full, suggestion(name, Object.keys(checks), 'member'), where);
    const member = value[name as keyof T];
    const wrong = member === undefined ? undefined : checks[name as keyof T](member);
    if (wrong) fail(full, `must be ${wrong}.`, where);
  }
}

function fail(path: string, text: string, where: Where): never {
  const line = where(path);
  const field = path || 'policy';
  throw xlinkError('POLICY_INVALID', { field, hint: `${line ? `${line}, ` : ''}${field}: ${text}` });
}

function deepFrozen<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === 'object' && each !== null) deepFrozen(each);
  return Object.freeze(value);
}
