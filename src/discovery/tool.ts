import { isOwnScope } from '../checks/scope.js';
import { isScope } from '../envelope/fields.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Scope } from '../types/protocol.js';
import { given } from '../util/given.js';
import { isMembers } from '../util/members.js';
import { isDeeperThan, type JsonSchema, refersElsewhere } from './json-schema.js';
import { hasVisibleTexts, isVisibleLine, isVisibleText } from './visible-text.js';

/** What an agent can do for others, as it says itself. */
export interface Tool {
  /** 1-128 characters of `A-Z a-z 0-9 _ - .`, the first no dash or dot; unique within the agent. Good as the name of a tool in MCP. */
  readonly name: string;
  /** A name for people, up to 256 characters. */
  readonly title?: string;
  /** What it does, up to 4096 characters. Its author wrote it: to a language model that reads it, it is untrusted input. */
  readonly description?: string;
  /** Scopes of messages that may ask for it; any one of them suffices. Empty: the agent says none. */
  readonly scopes: readonly Scope[];
  /** JSON Schema of what is asked with; its `type` is `object`. */
  readonly inputSchema?: JsonSchema;
  /** JSON Schema of what comes back; its `type` is `object`. */
  readonly outputSchema?: JsonSchema;
}

/** Limits of a list of tools. */
export interface ToolLimits {
  /** Tools at most. Default 1000. */
  readonly maxTools: number;
  /** Levels of nesting within one schema at most. Default 32. */
  readonly maxSchemaDepth: number;
  /** UTF-8 bytes of the JSON of all that the agent says. Default 262 144. */
  readonly maxBytes: number;
}

/** What an agent may say of itself, and what is taken of others unless chosen otherwise. */
export const DEFAULT_TOOL_LIMITS: ToolLimits = { maxTools: 1000, maxSchemaDepth: 32, maxBytes: 262_144 };

export const TOOL_MEMBERS = ['name', 'title', 'description', 'scopes', 'inputSchema', 'outputSchema'];
const MAX_SCOPES = 64;

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** What is wrong with a tool: the member, and what it must be. */
export interface ToolComplaint {
  readonly member: string;
  readonly must: string;
  /** It is well formed, and more than is taken. */
  readonly isTooMuch?: true;
}

/** What is seen of a text by people, as a name of an agent or a tool. */
export const isTitle = (value: unknown): value is string => isVisibleLine(value, 256);

/** A frozen copy of the tool with the members that are known, or what is wrong with it. */
export function readTool(value: unknown, limits: ToolLimits): Tool | ToolComplaint {
  if (!isMembers(value)) return { member: 'tool', must: 'an object' };
  const { name, title, description, scopes = [], inputSchema, outputSchema } = value;
  if (typeof name !== 'string' || !NAME.test(name))
    return {
      member: 'name',
      must: '1 to 128 characters of A-Z a-z 0-9 _ - . that begin with none of - and .',
    };
  if (title !== undefined && !isTitle(title))
    return { member: 'title', must: 'up to 256 characters that are seen' };
  if (description !== undefined && !isVisibleText(description, 4096))
    return { member: 'description', must: 'up to 4096 characters that are seen' };
  if (!isScopes(scopes))
    return { member: 'scopes', must: 'an array of up to 64 scopes, without * and xlink:' };
  const schemas = { inputSchema, outputSchema };
  for (const [member, schema] of Object.entries(schemas)) {
    const complaint = schema === undefined ? undefined : schemaComplaint(schema, limits);
    if (complaint) return { member, ...complaint };
  }
  const tool = { name, ...given({ title, description }), scopes: Object.freeze([...new Set(scopes)]) };
  return Object.freeze({ ...tool, ...given(schemas) }) as Tool;
}

/** Whether it is none. */
export const isComplaint = (read: Tool | ToolComplaint): read is ToolComplaint => 'must' in read;

/** Levels of a schema that `agent.discover()` may be told to take, and more. */
const ANY_DEPTH = 1000;

/** Throws `INVALID_OPTION` for tools that did not come from `agent.discover()`, and that it would not take. */
export function assertTools(owner: string, tools: unknown): void {
  const fail = (text: string) => xlinkError('INVALID_OPTION', { field: 'tools', hint: `${owner}: ${text}` });
  if (!Array.isArray(tools)) throw fail('tools must be an array, as agent.discover() resolves to.');
  for (const [at, tool] of tools.entries()) {
    const read = readTool(tool, { ...DEFAULT_TOOL_LIMITS, maxSchemaDepth: ANY_DEPTH });
    if (isComplaint(read)) throw fail(`tools[${at}]: ${read.member} must be ${read.must}.`);
  }
}

const isScopes = (value: unknown): value is Scope[] =>
  Array.isArray(value) &&
  value.length <= MAX_SCOPES &&
  value.every((scope) => isScope(scope) && !isOwnScope(scope));

function schemaComplaint(
  schema: unknown,
  { maxSchemaDepth }: ToolLimits,
): Omit<ToolComplaint, 'member'> | undefined {
  if (!isMembers(schema) || schema['type'] !== 'object')
    return { must: 'a JSON Schema whose type is "object"' };
  if (isDeeperThan(schema, maxSchemaDepth))
    return { must: `nested at most ${maxSchemaDepth} deep`, isTooMuch: true };
  if (!hasVisibleTexts(schema))
    return { must: 'a JSON Schema without characters that are not seen: write them as escapes of a pattern' };
  return refersElsewhere(schema)
    ? { must: 'a JSON Schema that refers to nothing outside of itself' }
    : undefined;
}
