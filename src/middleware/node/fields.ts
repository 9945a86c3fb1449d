import type { Pass } from '../../http/decision.js';
import { type HeaderChanges, openedHeaders } from '../../http/opened-headers.js';
import { fieldOf } from './field-of.js';
import type { NodeRequest } from './types.js';

/** Shows handlers the headers that a caller with a key would have sent, wherever they look for them. */
export const replaceFields = (req: NodeRequest, pass: Pass): void =>
  changeHeaders(
    req,
    openedHeaders(
      pass,
      (name) => fieldOf(req, name),
      () => Object.keys(req.headers),
    ),
  );

/** Changes a header in all three forms in which Node has it: whoever forwards a request reads `rawHeaders`. */
export function changeHeaders(req: NodeRequest, changes: HeaderChanges): void {
  const { headers, rawHeaders } = req;
  const changed: [name: string, value: string | undefined][] = [];
  for (const [name, value] of changes) if (headers[name] !== value) changed.push([name, value]);
  if (changed.length === 0) return;
  const distinct = req.headersDistinct; // Node makes it when asked, of as many lines as came: before they change
  if (rawHeaders) changeLines(rawHeaders, changed);
  for (const [name, value] of changed) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
    if (!distinct) continue;
    if (value === undefined) delete distinct[name];
    else distinct[name] = [value];
  }
}

/** Names and values in turn. The first line of a name keeps its place and its spelling, all others of it go. */
function changeLines(lines: string[], changed: readonly (readonly [string, string | undefined])[]): void {
  const placed = new Set<string>();
  let end = 0;
  for (let at = 0; at < lines.length; at += 2) {
    const line = lines[at]!;
    const change = changeOf(line, changed);
    const value = change ? (placed.has(change[0]) ? undefined : change[1]) : lines[at + 1];
    if (change) placed.add(change[0]);
    if (value === undefined) continue;
    lines[end] = line;
    lines[end + 1] = value;
    end += 2;
  }
  lines.length = end;
  for (const [name, value] of changed) if (value !== undefined && !placed.has(name)) lines.push(name, value);
}

/** Most lines have another length than all names. */
function changeOf<Change extends readonly [string, unknown]>(
  line: string,
  changed: readonly Change[],
): Change | undefined {
  for (let at = 0; at < changed.length; at++) {
    const name = changed[at]![0];
    if (name.length === line.length && name === line.toLowerCase()) return changed[at];
  }
  return undefined;
}
