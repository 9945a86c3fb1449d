import { describe, expect, test } from '@jest/globals';
import { type BodyLimit, operatorHint, type RequestOptions } from '@private.me/xlink';
import { FRAMEWORKS } from '../support/frameworks.js';
import { KEY, type RefusalText, type Sent, sealedRequest, signedRequest } from '../support/http.js';
import { World, type WorldWithCaller } from '../support/world.js';

const MIB = 1024 * 1024;
const LIMITS: BodyLimit[] = [
  { path: '/uploads', methods: ['POST'], maxBytes: 4 * MIB },
  { path: '/uploads/avatars', maxBytes: 1000 },
];

const TYPE = 'application/octet-stream';
const upload = (path: string, size: number, method = 'POST'): Sent => ({
  method,
  path,
  headers: { 'content-type': TYPE },
  body: Buffer.alloc(size, 7),
});

/** The same upload in each way there is. */
const WAYS: [string, (known: WorldWithCaller, sent: Sent) => Promise<Sent>, tooLarge: RefusalText][] = [
  [
    'sealed',
    (known, { method, path, body, headers }) =>
      sealedRequest(
        known,
        { method, path } as Sent,
        {
          payload: undefined,
          content: Buffer.from(body!),
          contentType: headers!['content-type'],
        } as Partial<RequestOptions>,
      ).then((made) => ({ ...made, method, path }) as Sent),
    '413 ENVELOPE_TOO_LARGE',
  ],
  ['beside an envelope', signedRequest, '413 BODY_TOO_LARGE'],
];

describe.each(FRAMEWORKS)('$name: a route takes bodies as large as its limit [C9]', ({ serve }) => {
  const served = async (more = {}) => {
    const known = await World.withCaller();
    return { known, service: await serve(known, { bodyLimits: LIMITS, ...more }) };
  };

  test.each(WAYS)('%s', async (_, make, tooLarge) => {
    const { known, service } = await served();
    const largest = upload('/uploads/7?x=1', 4 * MIB);
    const { stream, headers } = await service.accepted(make(known, largest));
    expect(stream.equals(largest.body as Buffer)).toBe(true);
    expect(headers).toMatchObject({ 'content-type': TYPE, 'content-length': String(4 * MIB) });
    const { stream: byKey } = await service.accepted({
      ...largest,
      headers: { ...largest.headers, 'x-api-key': KEY },
    });
    expect(byKey.equals(stream)).toBe(true);

    for (const over of [
      upload('/uploads', 4 * MIB + 200_000),
      upload('/other', 3 * MIB),
      upload('/uploads/7', 3 * MIB, 'PUT'),
      upload('/uploadsx', 3 * MIB),
    ])
      await service.refused(await make(known, over), tooLarge);
  });

  test('a limit holds to the byte, whichever way the body comes', async () => {
    const { known, service } = await served();
    for (const [, make] of WAYS) {
      await service.refused(await make(known, upload('/uploads/avatars/me', 1001)), '413 BODY_TOO_LARGE');
      await service.accepted(make(known, upload('/uploads/avatars/me', 1000)));
    }
  });

  test('a path that routers read in two ways gets the smaller limit', async () => {
    const { known, service } = await served();
    for (const path of ['/uploads/x/../avatars', '/UPLOADS/%61vatars', '/uploads//avatars'])
      await service.refused(await signedRequest(known, upload(path, 1001)), '413 BODY_TOO_LARGE');
    await service.refused(
      await signedRequest(known, upload('/other/../uploads', 2 * MIB)),
      '413 BODY_TOO_LARGE',
    );
  });

  test('the refusal says what a caller can do, and the operator is told where to raise it', async () => {
    const { known, service } = await served({ exposeDetails: true });
    const { text } = await service.refused(
      await signedRequest(known, upload('/other', 2 * MIB)),
      '413 BODY_TOO_LARGE',
    );
    expect(JSON.parse(text).detail).toBe('Send less.');
    expect(operatorHint('BODY_TOO_LARGE')).toContain('bodyLimits');
  });
});
