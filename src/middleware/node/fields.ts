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
  if (changes.size === 0) return;
  const { headers, rawHeaders } = req;
  const changed = [...changes].filter(([name, value]) => headers[name] !== value);
  if (changed.length === 0) return;
  const { headersDistinct } = req; // made of rawHeaders when it is first asked for, so before they change
  if (rawHeaders) changeLines(rawHeaders, new Map(changed));
  for (const [name, value] of changed) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
    if (!headersDistinct) continue;
    if (value === undefined) delete headersDistinct[name];
    else headersDistinct[name] = [value];
  }
}

/** Names and values in turn. The first line of a name keeps its place and its spelling, all others of it go. */
function changeLines(lines: string[], changed: HeaderChanges): void {
  const placed = new Set<string>();
  let end = 0;
  for (let at = 0; at < lines.length; at += 2) {
    const line = lines[at]!;
    const name = line.toLowerCase();
    let value: string | undefined = lines[at + 1]!;
    if (changed.has(name)) {
      value = placed.has(name) ? undefined : changed.get(name);
      placed.add(name);
    }
    if (value === undefined) continue;
    lines[end] = line;
    lines[end + 1] = value;
    end += 2;
  }
  lines.length = end;
  for (const [name, value] of changed) if (value !== undefined && !placed.has(name)) lines.push(name, value);
}
