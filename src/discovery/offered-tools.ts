import { xlinkError } from '../errors/errors.js';
import type { Scope } from '../types/protocol.js';
import { isMembers } from '../util/members.js';
import { checkKeys } from '../util/options.js';
import { encodeUtf8 } from '../util/utf8.js';
import { frozenJson } from './frozen-json.js';
import { DEFAULT_TOOL_LIMITS, isComplaint, readTool, TOOL_MEMBERS, type Tool } from './tool.js';

/** A capability as an option of an agent: a name, or a name and the scopes of messages that ask for it. */
export type Capability = string | { readonly name: string; readonly scopes?: readonly Scope[] };

/** A tool as an option of an agent; without `scopes` it says none. */
export type ToolOptions = Omit<Tool, 'scopes'> & { readonly scopes?: readonly Scope[] };

/** What an agent offers, as options. */
export interface OfferOptions {
  readonly capabilities?: readonly Capability[] | undefined;
  readonly tools?: readonly ToolOptions[] | undefined;
}

/** Room for what a statement says beside its tools, in bytes. */
const BESIDE_TOOLS = 1536;

/**
 * The capabilities and tools of an agent as one list, copied and frozen: first the capabilities; for one that is a mere name, the tool of that
 * name. Throws `INVALID_OPTION` for what others would not take.
 */
export function offeredTools(
  { capabilities = [], tools = [] }: OfferOptions,
  owner = 'Agent',
): readonly Tool[] {
  const fail = (field: string, text: string): never => {
    throw xlinkError('INVALID_OPTION', { field, hint: `${owner}: ${text}` });
  };
  const read = (field: string, at: number, value: unknown, members: readonly string[]): Tool => {
    const complaint = (text: string) => fail(field, `${field}[${at}]: ${text}`);
    if (!isMembers(value)) return complaint(`must be an object of ${members.join(', ')}.`);
    checkKeys(`${owner}: ${field}[${at}]`, value, members);
    const tool = readTool(
      frozenJson(value) ?? complaint('must be JSON, without cycles or endless nesting.'),
      DEFAULT_TOOL_LIMITS,
    );
    return isComplaint(tool) ? complaint(`${tool.member} must be ${tool.must}.`) : tool;
  };
  const twice = (field: string) =>
    fail(field, 'each name is there once; what a tool describes is a mere name in capabilities.');

  const described = new Map<string, Tool>();
  for (const [at, value] of tools.entries()) {
    const tool = read('tools', at, value, TOOL_MEMBERS);
    if (described.has(tool.name)) twice('tools');
    described.set(tool.name, tool);
  }
  const offered = new Map<string, Tool>();
  for (const [at, value] of capabilities.entries()) {
    const isName = typeof value === 'string';
    const tool = read('capabilities', at, isName ? { name: value } : value, ['name', 'scopes']);
    if (offered.has(tool.name) || (!isName && described.has(tool.name))) twice('capabilities');
    offered.set(tool.name, described.get(tool.name) ?? tool);
  }
  for (const tool of described.values()) offered.set(tool.name, tool);
  const { maxTools, maxBytes } = DEFAULT_TOOL_LIMITS;
  const list = Object.freeze([...offered.values()]);
  const field = tools.length > 0 ? 'tools' : 'capabilities';
  if (list.length > maxTools) fail(field, `an agent has at most ${maxTools} capabilities and tools.`);
  if (encodeUtf8(JSON.stringify(list)).length > maxBytes - BESIDE_TOOLS)
    fail(field, `capabilities and tools are at most ${maxBytes - BESIDE_TOOLS} bytes of JSON.`);
  return list;
}
