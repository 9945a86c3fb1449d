// Responses as they stand on a connection, read by hand: what Node's client would not show or not take.

export interface RawResponse {
  readonly version: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** In chunks of HTTP, whose end is there. */
  readonly chunked: boolean;
}

/** All responses in what came over a connection that is closed; throws if one is cut off. */
export function responsesIn(bytes: Buffer): RawResponse[] {
  const found: RawResponse[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`no head: ${rest.toString('latin1')}`);
    const [line = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const [version = '', code] = line.split(' ');
    const pairs = lines.map((one) => [
      one.slice(0, one.indexOf(':')).toLowerCase(),
      one.replace(/^.*?: ?/, ''),
    ]);
    const headers: Record<string, string> = Object.fromEntries(pairs);
    const status = Number(code);
    const { body, after, chunked } = bodyOf(rest.subarray(end + 4), status, headers);
    found.push({ version, status, headers, body, chunked });
    rest = after;
  }
  return found;
}

function bodyOf(rest: Buffer, status: number, headers: Readonly<Record<string, string>>) {
  const none = status < 200 || status === 204 || status === 304;
  if (headers['transfer-encoding'] === 'chunked') return chunksOf(rest);
  const length = none ? 0 : Number(headers['content-length'] ?? rest.length);
  if (length > rest.length) throw new Error(`${rest.length} of ${length} bytes`);
  return { body: rest.subarray(0, length), after: rest.subarray(length), chunked: false };
}

function chunksOf(bytes: Buffer) {
  const parts: Buffer[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n');
    if (end < 0) throw new Error('cut off within its chunks');
    const length = Number.parseInt(rest.toString('latin1', 0, end), 16);
    const from = end + 2;
    if (rest.toString('latin1', from + length, from + length + 2) !== '\r\n') throw new Error('no chunk');
    parts.push(rest.subarray(from, from + length));
    rest = rest.subarray(from + length + 2);
    if (length === 0) return { body: Buffer.concat(parts), after: rest, chunked: true };
  }
}
