import type { Did, PolicyDocument, PolicyRule, PolicySource } from '@private.me/xlink';
import { parseId } from '../util/hex.js';
import { invalidOption } from '../util/options.js';
import type { AgentDirectory } from './directory.js';

const PREFIX = 'x0x:';

/**
 * A policy whose rules may name agents in `from`, as `x0x:` and an agent id, beside DIDs. They stand for all DIDs of the agent that the
 * registry knows; a rule of which nobody is left is about nobody. It is read again when the registry tells of a change, and every
 * few seconds where it does not.
 *
 * A rule that denies an agent denies nobody as long as no DID of it is known: deny what is not allowed (`otherwise: 'deny'`) instead.
 *
 * `policy`: a document, or where it is read. Throws `INVALID_OPTION` for a document with an agent that is none. For `PolicyEngine.create({ source })`.
 */
export function agentPolicy(policy: PolicyDocument | PolicySource, directory: AgentDirectory): PolicySource {
  const source = isSource(policy) ? policy : undefined;
  if (!source) assertAgents(policy as PolicyDocument);
  const load = async () => {
    const document = (source ? JSON.parse(await source.load()) : policy) as PolicyDocument;
    if (!Array.isArray(document.rules)) return JSON.stringify(document); // what is wrong with it, the engine says
    const known = await directory.agents();
    const rules = document.rules
      .map((rule, at) => withDids(rule, at, known))
      .filter((rule) => rule !== undefined);
    return JSON.stringify({ ...document, rules });
  };
  if (!directory.tellsChanges) return { load };
  return {
    load,
    watch(changed) {
      const ends = [directory.onChange(changed), source?.watch?.(changed)];
      return () => {
        for (const end of ends) end?.();
      };
    },
  };
}

/** What is wrong with a document is said at once. A source may be mended while it is read. */
function assertAgents({ rules }: PolicyDocument): void {
  const names = [rules ?? []].flat().flatMap((rule) => (Object(rule) as PolicyRule).from ?? []);
  for (const name of names) if (isAgent(name)) idIn(name);
}

function withDids(
  rule: PolicyRule,
  at: number,
  known: ReadonlyMap<string, readonly Did[]>,
): PolicyRule | undefined {
  const { from } = Object(rule) as PolicyRule;
  const names = [from ?? []].flat() as string[];
  if (!names.some((name) => isAgent(name))) return rule;
  const dids = names.flatMap((name) => (isAgent(name) ? (known.get(idIn(name)) ?? []) : [name]));
  const id = rule.id ?? `rule-${at + 1}`; // its name must not depend on whom of others is known
  return dids.length === 0 ? undefined : { ...rule, id, from: [...new Set(dids)] };
}

const isAgent = (name: unknown): boolean => typeof name === 'string' && name.toLowerCase().startsWith(PREFIX);

function idIn(name: string): string {
  try {
    return parseId(name.slice(PREFIX.length));
  } catch {
    throw invalidOption('from', 'agentPolicy: an agent in from is x0x: and 64 hex digits.');
  }
}

const isSource = (policy: PolicyDocument | PolicySource): policy is PolicySource =>
  typeof (policy as PolicySource).load === 'function';
