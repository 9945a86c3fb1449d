// The kinds of panels there are here, each with what all of its kind have in common.
import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge';
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StateTimeline } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';
import { DATASOURCE } from './variables.mjs';

/**
 * What a panel shows.
 * @typedef {object} About
 * @property {string} title
 * @property {string} description What it says, and what to do about it.
 * @property {string} none What stands there when there is no data, and what that means.
 * @property {string} unit As Grafana names it.
 * @property {number} width Of 24 columns.
 * @property {number} height
 * @property {[expr: string, legend: string][]} queries
 * @property {[from: number | null, color: string][]} [thresholds] Colors from that value on.
 * @property {Record<string, { text: string, color?: string }>} [texts] What values are shown as.
 * @property {Record<string, string>} [colors] Of series, by their legend.
 * @property {string} docs Where to read on.
 */

/** @typedef {Stat | TimeSeries | BarGauge | Table | StateTimeline} AnyPanel */

/**
 * @template {AnyPanel} P
 * @param {P} panel
 * @param {About} about
 * @param {'instant' | 'range'} kind
 * @returns {P}
 */
function filled(panel, about, kind) {
  const { title, description, none, unit, width, height, queries, thresholds, texts, colors = {} } = about;
  panel
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .noValue(none)
    .span(width)
    .height(height)
    .links([linkTo('What is counted', about.docs)]);
  for (const [index, [expr, legend]] of queries.entries()) {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + index))
      .datasource(DATASOURCE)
      .expr(expr)
      .legendFormat(legend);
    if (panel instanceof Table) query.format(PromQueryFormat.Table);
    panel.withTarget(kind === 'instant' ? query.instant() : query.range());
  }
  if (thresholds) {
    const steps = thresholds.map(([value, color]) => ({ value, color }));
    panel.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps));
    panel.colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds));
  }
  if (texts) panel.mappings([{ type: MappingType.ValueToText, options: texts }]);
  for (const [name, fixedColor] of Object.entries(colors))
    panel.overrideByName(name, [{ id: 'color', value: { mode: FieldColorModeId.Fixed, fixedColor } }]);
  return panel;
}

const last = () => new ReduceDataOptionsBuilder().calcs(['lastNotNull']);

/** One big number. @param {About} about */
export const stat = (about) =>
  filled(new Stat(), about, 'instant')
    .reduceOptions(last())
    .graphMode(BigValueGraphMode.None)
    .colorMode(about.thresholds || about.colors ? BigValueColorMode.Value : BigValueColorMode.None);

/** The name of whatever there is. @param {About} about */
export const statOfNames = (about) => stat(about).textMode(BigValueTextMode.Name);

/** Curves. @param {About} about */
export const curves = (about) =>
  filled(new TimeSeries(), about, 'range')
    .min(0)
    .fillOpacity(8)
    .lineWidth(2)
    .showPoints(VisibilityMode.Auto) // a single sample is a point, not nothing
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(about.queries.length > 1 || about.queries.some(([, legend]) => legend.includes('{{'))),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .thresholdsStyle(
      new GraphThresholdsStyleConfigBuilder().mode(
        about.thresholds ? GraphThresholdsStyleMode.Line : GraphThresholdsStyleMode.Off,
      ),
    );

/** Curves that add up. @param {About} about */
export const stackedCurves = (about) =>
  curves(about).fillOpacity(30).stacking(new StackingConfigBuilder().mode(StackingMode.Normal));

/** A bar for each. @param {About} about */
export const bars = (about) =>
  filled(new BarGauge(), about, 'instant')
    .reduceOptions(last())
    .min(0)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic);

/**
 * A row for each, the largest first.
 * @param {About} about
 * @param {Record<string, string>} headings Of the columns, by label; `Value` is that of the values.
 */
export const table = (about, headings) =>
  filled(new Table(), about, 'instant')
    .withTransformation({
      id: 'organize',
      options: { excludeByName: { Time: true }, renameByName: headings },
    })
    .sortBy([new TableSortByFieldStateBuilder().displayName(headings['Value'] ?? 'Value').desc(true)]);

/** When which state was in force. @param {About} about */
export const timeline = (about) =>
  filled(new StateTimeline(), about, 'range').showValue(VisibilityMode.Never).mergeValues(true);

/**
 * The queries of the first N of a label and of the rest.
 * @param {{ first: string, rest: string }} queries
 * @param {string} label
 * @returns {[string, string][]}
 */
export const firstAndRest = ({ first, rest }, label) => [
  [first, `{{${label}}}`],
  [rest, 'other'],
];

/**
 * @param {string} title
 * @param {string} url
 */
export function linkTo(title, url) {
  const link = new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url).targetBlank(true);
  delete link.build().placement; // the builder would hide it in a menu
  return link;
}
