import { invalidOption, nearestOf } from './options.js';

const KNOWN = ['agent_id'];

/** Throws `INVALID_OPTION` for a brace that is not part of `{agent_id}`: a misspelled one would be one place for all agents. */
export function checkPlaceholders(field: string, path: string): void {
  const rest = path.replaceAll('{agent_id}', '');
  if (!/[{}]/.test(rest)) return;
  const [, name = ''] = /\{([^{}]*)\}/.exec(rest) ?? [];
  const near = nearestOf(name, KNOWN);
  throw invalidOption(
    field,
    `${field}: there is no such placeholder; ${near ? `did you mean {${near}}?` : 'there is {agent_id}.'}`,
  );
}

/** Letters, digits and . _ : -; no more than a name, and none that leads out of a folder. */
const AGENT_ID = /^(?!\.{1,2}$)[\w.:-]+$/;

/** The path with the id in it. `owner`: who takes `agentId`, for the message. Throws `INVALID_OPTION` where it is needed and not good. */
export function filledPath<Path extends string | undefined>(
  owner: string,
  path: Path,
  agentId: string | undefined,
): Path {
  if (!path?.includes('{agent_id}')) return path;
  if (agentId === undefined || !AGENT_ID.test(agentId))
    throw invalidOption(
      'agentId',
      `${owner}: agentId is needed for {agent_id}: letters, digits and . _ : -, and not . or ..`,
    );
  return path.replaceAll('{agent_id}', agentId) as Path;
}
