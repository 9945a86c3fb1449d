import { given } from '../util/given.js';
import type { DiscoveredAgent } from './capability-statement.js';
import type { JsonSchema } from './json-schema.js';
import { assertTools } from './tool.js';

/** A tool as MCP lists it. */
export interface McpTool {
  /** The name of the tool. */
  readonly name: string;
  /** A name for people. */
  readonly title?: string;
  /** What the tool does, in the words of its author. */
  readonly description?: string;
  /** JSON Schema of its arguments. `{ "type": "object" }`, any arguments, where the agent says none. */
  readonly inputSchema: JsonSchema;
  /** JSON Schema of its structured result. */
  readonly outputSchema?: JsonSchema;
  /** Who offers it, and the scopes of messages that may ask for it. */
  readonly _meta: {
    readonly 'me.private.xlink/did': string;
    readonly 'me.private.xlink/scopes': readonly string[];
  };
}

/**
 * What was discovered as the result of `tools/list` of the Model Context Protocol (2025-11-25), on one page. It describes; what calls a tool is
 * up to the MCP server that hands the list on: a message with one of the scopes to the DID in `_meta`. Throws `INVALID_OPTION`
 * for tools that `agent.discover()` would not take.
 */
export function mcpToolList({ did, tools }: Pick<DiscoveredAgent, 'did' | 'tools'>): {
  /** The tools, in the order of the agent. */
  readonly tools: readonly McpTool[];
} {
  assertTools('mcpToolList', tools);
  return {
    tools: tools.map(({ name, title, description, inputSchema, outputSchema, scopes }) => ({
      name,
      ...given({ title, description }),
      inputSchema: inputSchema ?? { type: 'object' },
      ...given({ outputSchema }),
      _meta: { 'me.private.xlink/did': did, 'me.private.xlink/scopes': scopes },
    })),
  };
}
