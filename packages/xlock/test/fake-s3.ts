// A server that speaks S3 and checks AWS Signature Version 4 with code of its own, written from the description of the service.
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bytesOf } from './support.js';

export interface FakeS3 {
  readonly objects: Map<string, Buffer>;
  readonly refused: string[];
  readonly handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

export function fakeS3(keys: Readonly<Record<string, string>>, bucket: string, now: () => number): FakeS3 {
  const objects = new Map<string, Buffer>();
  const refused: string[] = [];
  return {
    objects,
    refused,
    async handler(request, response) {
      const body = await bytesOf(request);
      const why = complaint(request, body, keys, now());
      if (why) {
        refused.push(why);
        response.writeHead(403).end(`<Error><Code>${why}</Code></Error>`);
        return;
      }
      const path = decodeURIComponent(request.url!.split('?')[0]!);
      if (!path.startsWith(`/${bucket}/`)) return void response.writeHead(404).end();
      if (request.method === 'PUT') objects.set(path, body);
      else if (request.method === 'DELETE') objects.delete(path);
      const found = objects.get(path);
      if (request.method === 'GET' && !found) return void response.writeHead(404).end('<Error/>');
      response.writeHead(request.method === 'DELETE' ? 204 : 200);
      response.end(request.method === 'GET' ? found : undefined);
    },
  };
}

function complaint(
  request: IncomingMessage,
  body: Buffer,
  keys: Readonly<Record<string, string>>,
  now: number,
): string | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
  const match = form.exec(request.headers.authorization ?? '');
  if (!match) return 'AuthorizationHeaderMalformed';
  const [, id, day, region, signedNames, signature] = match as unknown as string[];
  const secret = keys[id!];
  if (secret === undefined) return 'InvalidAccessKeyId';
  const stamp = String(request.headers['x-amz-date']);
  const parsed = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp);
  if (!parsed || !stamp.startsWith(day!)) return 'AccessDenied';
  const [year, month, date, hour, minute, second] = parsed.slice(1).map(Number) as number[];
  const time = Date.UTC(year!, month! - 1, date!, hour!, minute!, second!);
  if (Math.abs(now - time) > 15 * 60_000) return 'RequestTimeTooSkewed';
  const hashed = createHash('sha256').update(body).digest('hex');
  if (request.headers['x-amz-content-sha256'] !== hashed) return 'XAmzContentSHA256Mismatch';
  const names = signedNames!.split(';');
  for (const needed of ['host', 'x-amz-content-sha256', 'x-amz-date'])
    if (!names.includes(needed)) return 'AccessDenied';
  const [path, query = ''] = request.url!.split('?');
  let canonical = `${request.method}\n${path}\n${query.split('&').sort().join('&')}\n`;
  for (const name of names) canonical += `${name}:${String(request.headers[name]).trim()}\n`;
  canonical += `\n${signedNames}\n${hashed}`;
  let toSign = `AWS4-HMAC-SHA256\n${stamp}\n${day}/${region}/s3/aws4_request\n`;
  toSign += createHash('sha256').update(canonical).digest('hex');
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [day!, region!, 's3', 'aws4_request', toSign])
    key = createHmac('sha256', key).update(part).digest();
  return key.toString('hex') === signature ? undefined : 'SignatureDoesNotMatch';
}
