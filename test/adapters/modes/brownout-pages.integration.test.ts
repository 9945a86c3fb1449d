import { describe, expect, test } from '@jest/globals';
import { brownoutSchedule } from '@private.me/xlink';
import { DAY, NOON } from '../../support/clock.js';
import { ACME } from '../../support/http.js';
import { World } from '../../support/world.js';
import { withKey } from '../requests.js';

const PAGE = '/.well-known/xlink/brownouts';
const MIGRATION = 'https://api.example.com/move?a=1&b=2';

async function made(setup: object = {}) {
  const world = new World();
  const brownouts = brownoutSchedule({ from: new Date(NOON), until: new Date(NOON + 40 * DAY) });
  const service = await world.serve({
    clock: world.clock,
    mode: 'deprecation',
    brownouts,
    deprecation: { sunset: new Date(NOON + 50 * DAY), migrationUrl: MIGRATION },
    ...setup,
  });
  return { world, clock: world.clock, brownouts, service };
}

describe('what callers are told of brownouts', () => {
  test('responses to keys name the next one, and where all of them are', async () => {
    const { service, brownouts } = await made();
    const { answer } = await service.accepted(withKey(ACME));
    const [first] = brownouts;
    expect(answer.headers['x-xlink-brownout']).toBe(
      `${first!.from.toISOString()}/${first!.until.toISOString()}`,
    );
    expect(answer.headers['link']).toBe(
      `<${MIGRATION}>; rel="deprecation"; type="text/html", <${PAGE}>; rel="service-doc"; type="text/html"`,
    );
    expect(String(answer.headers['access-control-expose-headers']).match(/Link/g)).toHaveLength(1);
  });

  test('a page, without credentials, that runs nothing', async () => {
    const { service, brownouts } = await made();
    const { status, headers, text } = await service.send({ method: 'GET', path: PAGE });
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'max-age=3600',
    ]);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    for (const { from, until } of brownouts)
      for (const date of [from, until]) expect(text).toContain(`datetime="${date.toISOString()}"`);
    expect(text).toContain('https://api.example.com/move?a=1&#38;b=2');
    expect(text).not.toMatch(/<script|onload|acme/i);
  });

  test('a calendar that other programs read', async () => {
    const { service, brownouts } = await made();
    const { status, headers, text } = await service.send({ method: 'GET', path: `${PAGE}.ics` });
    expect([status, headers['content-type']]).toEqual([200, 'text/calendar; charset=utf-8']);
    const lines = text.split('\r\n');
    expect([lines[0], lines.at(-2), lines.at(-1)]).toEqual(['BEGIN:VCALENDAR', 'END:VCALENDAR', '']);
    expect(lines.every((line) => Buffer.byteLength(line) <= 75)).toBe(true);
    const unfolded = text.replaceAll('\r\n ', '');
    const starts = [...unfolded.matchAll(/^DTSTART:(\S+)/gm)].map(([, start]) => start);
    expect(starts).toEqual(brownouts.map(({ from }) => from.toISOString().replace(/[-:]|\.000/g, '')));
    const uids = [...unfolded.matchAll(/^UID:(\S+)/gm)].map(([, uid]) => uid);
    expect(new Set(uids).size).toBe(brownouts.length);
    const again = (await service.send({ method: 'GET', path: `${PAGE}.ics` })).text;
    expect(again).toBe(text);
  });

  test('shows those that are to come, and says if there are none', async () => {
    const { service, clock, brownouts } = await made();
    clock.set(brownouts[0]!.until.getTime());
    const page = async () => (await service.send({ method: 'GET', path: PAGE })).text;
    expect(await page()).not.toContain(brownouts[0]!.from.toISOString());
    expect(await page()).toContain(brownouts[1]!.from.toISOString());
    clock.set(brownouts.at(-1)!.until.getTime());
    expect(await page()).toContain('None is planned.');
  });

  test('one that is scheduled by hand is there, too, and leaves an event', async () => {
    const { service, clock } = await made({ brownouts: [] });
    const [from, until] = [new Date(clock() + DAY), new Date(clock() + 2 * DAY)];
    service.adapter.scheduleBrownout([{ from, until }], { by: 'mia', why: 'ticket 42' });
    expect((await service.send({ method: 'GET', path: PAGE })).text).toContain(from.toISOString());
    expect(service.of('operation')).toEqual([
      {
        type: 'operation',
        operation: 'schedule-brownout',
        target: `${from.toISOString()}/${until.toISOString()}`,
        by: 'mia',
        why: 'ticket 42',
      },
    ]);
  });
});
