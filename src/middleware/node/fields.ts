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
  for (const [name, value] of changed) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
    if (rawHeaders) changeLines(rawHeaders, name, value);
    if (!headersDistinct) continue;
    if (value === undefined) delete headersDistinct[name];
    else headersDistinct[name] = [value];
  }
}

/** Names and values in turn. The first line of a name keeps its place and its spelling, all others of it go. */
function changeLines(lines: string[], name: string, value: string | undefined): void {
  let isPlaced = value === undefined;
  for (let at = 0; at < lines.length; ) {
    if (lines[at]!.toLowerCase() !== name) at += 2;
    else if (isPlaced) lines.splice(at, 2);
    else {
      lines[at + 1] = value!;
      at += 2;
      isPlaced = true;
    }
  }
  if (!isPlaced) lines.push(name, value!);
}
