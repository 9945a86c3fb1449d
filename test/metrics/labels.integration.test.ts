import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import { type OpenMetricsContentType, Registry } from 'prom-client';
import { boundedLabel, labelText, MAX_LABEL_LENGTH } from '../../src/metrics/bounded-label.js';
import { describeWith } from '../support/needs-program.js';
import { PrometheusServer } from '../support/prometheus-server.js';
import { Exporter } from './exporter.js';
import { linesOf, observed, request } from './support.js';

const LONG = 'x'.repeat(MAX_LABEL_LENGTH);

/** Texts as somebody may choose them, and the label each is to become. */
const TEXTS: [name: string, text: string, label: string][] = [
  ['quotes', 'a"b"', 'a"b"'],
  ['a quote at the end', 'a"', 'a"'],
  ['backslashes', 'a\\b\\\\c', 'a\\b\\\\c'],
  ['a backslash at the end', 'a\\', 'a\\'],
  ['a backslash and an n, which are no line end', 'a\\nb', 'a\\nb'],
  ['line ends', 'a\nb\r\nc', 'a\nb\r\nc'],
  [
    'the syntax of the format',
    '"} 1\nxlink_mode{mode="hybrid"} 9\n# EOF',
    '"} 1\nxlink_mode{mode="hybrid"} 9\n# EOF',
  ],
  ['separators that prom-client uses', 'a,method:xlink,', 'a,method:xlink,'],
  ['controls', 'a\u0000b\u0007\u001b[31m\u2028', 'a\u0000b\u0007\u001b[31m\u2028'],
  ['other scripts', '/заказы/注文/🫖', '/заказы/注文/🫖'],
  ['lone surrogates', 'a\ud800b\udc00', 'a\ufffdb\ufffd'],
  ['names of Object.prototype', '__proto__', '__proto__'],
  ['as much as there may be', LONG, LONG],
  ['more than there may be', `${LONG}y`, `${LONG.slice(1)}…`],
  ['100 kB', `é${'y'.repeat(100_000)}`, `é${'y'.repeat(126)}…`],
  ['a pair at the cut', `${LONG.slice(2)}🫖🫖🫖`, `${LONG.slice(2)}🫖…`],
  ['nothing but pairs', '🫖'.repeat(500), `${'🫖'.repeat(127)}…`],
];

describe('a label', () => {
  test.each(TEXTS)('of %s', (_, text, label) => {
    expect(labelText(text)).toBe(label);
    expect(labelText(label)).toBe(label);
    expect([...labelText(text)].length).toBeLessThanOrEqual(MAX_LABEL_LENGTH);
  });

  test('of what is no text at all is a text', () => {
    expect(labelText(7 as never)).toBe('7');
    expect(labelText(undefined as never)).toBe('undefined');
  });
});

describe('boundedLabel', () => {
  test('takes texts that become the same label for one', () => {
    const seen = new Set<string>();
    const label = boundedLabel(seen, 3);
    expect([label('a\ud800'), label('a\udfff'), label(`${LONG}1`), label(`${LONG}2`)]).toEqual([
      'a\ufffd',
      'a\ufffd',
      `${LONG.slice(1)}…`,
      `${LONG.slice(1)}…`,
    ]);
    expect(seen.size).toBe(2);
  });

  test('knows what it knows also when it is full', () => {
    const label = boundedLabel(new Set(), 2);
    const said = ['a', `${LONG}1`, 'b', 'a', `${LONG}2`, 'c'].map(label);
    const cut = `${LONG.slice(1)}…`;
    expect(said).toEqual(['a', cut, 'other', 'a', cut, 'other']);
  });
});

describe('routes and clients in the text', () => {
  test('are escaped', async () => {
    const { register } = observed([request({ route: '/a"b\\c\nd', client: 'x"\n\\' })], { maxClients: 1 });
    expect((await linesOf(register, METRICS.requests.name))[0]).toContain('route="/a\\"b\\\\c\\nd"');
    expect((await linesOf(register, METRICS.clientRequests.name))[0]).toContain('client="x\\"\\n\\\\"');
  });
});

describeWith(['prometheus'], 'labels in a real Prometheus', () => {
  const [plain, open] = [new Registry(), new Registry<OpenMetricsContentType>()];
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const exporters = [plain, open].map((register) => {
    const observe = prometheusMetrics({ register, maxClients: 100 });
    for (const [, text] of TEXTS) observe(request({ route: text, client: text }));
    return new Exporter(register);
  });
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    const [inPlain, inOpen] = await Promise.all(exporters.map((exporter) => exporter.start()));
    prometheus = await PrometheusServer.start({ targets: { plain: inPlain!, open: inOpen! } });
    await prometheus.nextScrape('plain');
    await prometheus.nextScrape('open');
  }, 60_000);

  afterAll(async () => {
    await prometheus?.stop();
    await Promise.all(exporters.map((exporter) => exporter.stop()));
  });

  test.each(['plain', 'open'])('arrive as they were meant, in either format: %s', async (job) => {
    const valuesOf = async (metric: string, label: string) => {
      const rows = await prometheus.rows(`${metric}{job="${job}"}`);
      return rows.map(({ labels, value }) => [labels[label], value]).sort();
    };
    const expected = TEXTS.map(([, , label]) => [label, 1]).sort();
    expect(await valuesOf(METRICS.requests.name, 'route')).toEqual(expected);
    expect(await valuesOf(METRICS.clientRequests.name, 'client')).toEqual(expected);
    expect(await prometheus.rows(`xlink_mode{job="${job}"}`)).toEqual([]);
  });
});
