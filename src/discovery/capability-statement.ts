import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { Did } from '../types/protocol.js';
import { given } from '../util/given.js';
import { isMembers } from '../util/members.js';
import { decodeUtf8 } from '../util/utf8.js';
import { frozenJson } from './frozen-json.js';
import { isComplaint, isTitle, readTool, type Tool, type ToolLimits } from './tool.js';

/** Scope of the messages that ask an agent what it can do, and of those that answer. */
export const DISCOVER_SCOPE = 'xlink:discover';

/** How long a statement is good: 5 minutes, as a discovery document. */
export const STATEMENT_LIFETIME_MS = 300_000;
/** What is taken of others. */
const MAX_LIFETIME_MS = 86_400_000;

/** What an agent says of itself, as `agent.discover()` hands it over: verified, copied and frozen. */
export interface DiscoveredAgent {
  /** Who signed it: the DID that was asked for, or the one that took its place. */
  readonly did: Did;
  /** Its own name for itself; no proof of anything. */
  readonly name?: string;
  /** Names of all that it can do, in its order. */
  readonly capabilities: readonly string[];
  /** The same with scopes, and what else it says of each. */
  readonly tools: readonly Tool[];
  /** When it said so, by its clock, in ms since 1970. */
  readonly issuedAt: number;
  /** Until when that is good, in ms since 1970: at most a day later; this implementation says five minutes. */
  readonly notAfter: number;
}

/** The content of the message that answers. */
export function statementOf(name: string | undefined, tools: readonly Tool[], now: number): object {
  return {
    ...given({ name: isTitle(name) ? name : undefined }),
    tools,
    issuedAt: now,
    notAfter: now + STATEMENT_LIFETIME_MS,
  };
}

/** The content of the message that refuses. */
export const REFUSED = { refused: true } as const;

interface StatementRules extends ToolLimits {
  readonly did: Did;
  readonly now: number;
  /** How far clocks may be apart, in ms. */
  readonly skewMs: number;
  /** `issuedAt` of the newest statement of this DID that was seen. */
  readonly newest: number | undefined;
}

/** What a verified answer says. Members that are not known are left out. Throws `CAPABILITIES_…`. */
export function readStatement(content: Uint8Array | undefined, rules: StatementRules): DiscoveredAgent {
  if (!content) throw invalid('payload');
  if (content.length > rules.maxBytes) throw tooLarge('payload');
  const payload = parse(content);
  if (payload['refused'] === true) throw xlinkError('CAPABILITIES_UNAVAILABLE:REFUSED');
  const { name, issuedAt, notAfter } = payload;
  if (name !== undefined && !isTitle(name)) throw invalid('name');
  if (!isTime(issuedAt)) throw invalid('issuedAt');
  if (!isTime(notAfter) || notAfter < issuedAt || notAfter > issuedAt + MAX_LIFETIME_MS)
    throw invalid('notAfter');
  const { now, skewMs, newest = 0, did } = rules;
  if (issuedAt > now + skewMs) throw xlinkError('CAPABILITIES_INVALID:EXPIRED', { field: 'issuedAt' });
  if (notAfter < now - skewMs) throw xlinkError('CAPABILITIES_INVALID:EXPIRED', { field: 'notAfter' });
  if (issuedAt < newest - skewMs) throw xlinkError('CAPABILITIES_INVALID:ROLLED_BACK', { field: 'issuedAt' });
  const tools = toolsIn(payload['tools'], rules);
  const capabilities = Object.freeze(tools.map((tool) => tool.name));
  return Object.freeze({ did, ...given({ name }), capabilities, tools, issuedAt, notAfter });
}

function parse(content: Uint8Array) {
  let payload: unknown;
  try {
    payload = JSON.parse(decodeUtf8(content));
  } catch {
    throw invalid('payload'); // a cause would quote it
  }
  if (!isMembers(payload)) throw invalid('payload');
  return payload;
}

function toolsIn(value: unknown, limits: ToolLimits): readonly Tool[] {
  if (!Array.isArray(value)) throw invalid('tools');
  if (value.length > limits.maxTools) throw tooLarge('tools');
  const tools = value.map((each) => toolIn(each, limits));
  if (new Set(tools.map(({ name }) => name)).size < tools.length) throw invalid('name');
  return Object.freeze(tools);
}

/** Its limits are looked at before anything goes through it level by level. */
function toolIn(value: unknown, limits: ToolLimits): Tool {
  const read = readTool(value, limits);
  if (isComplaint(read)) throw read.isTooMuch ? tooLarge(read.member) : invalid(read.member);
  return frozenJson(read) as Tool;
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const invalid = (field: string): XlinkError => xlinkError('CAPABILITIES_INVALID', { field });
const tooLarge = (field: string): XlinkError => xlinkError('CAPABILITIES_INVALID:TOO_LARGE', { field });
