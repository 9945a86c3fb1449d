import {
  CustomVariableBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';

/** Every panel asks the data source that was chosen at the top. */
export const DATASOURCE = { type: 'prometheus', uid: '$' + '{datasource}' };

const ALL = { selected: true, text: ['All'], value: ['$__all'] };

/**
 * @param {string} name
 * @param {string} label
 * @param {string} description
 * @param {string} query
 */
const choice = (name, label, description, query) =>
  new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query({ qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*') // what appears later belongs to All, too
    .current(ALL);

/** @param {import('./names.mjs').Names} names */
export const variablesFor = (names) => [
  new DatasourceVariableBuilder('datasource')
    .label('Data source')
    .description('The Prometheus that scrapes the API.')
    .type('prometheus'),
  choice('job', 'Job', 'APIs, by the name of their scrape job.', `label_values(${names.mode}, job)`),
  choice(
    'instance',
    'Instance',
    'Processes of these APIs.',
    `label_values(${names.mode}{job=~"$job"}, instance)`,
  ),
  choice(
    'route',
    'Route',
    'Narrows adoption and accepted requests. Refusals have no route, since they come before routing: the rows about clients, failures and latency do not follow it.',
    `label_values(${names.requests}{job=~"$job",instance=~"$instance",outcome="accepted"}, route)`,
  ),
  new CustomVariableBuilder('top')
    .label('Top')
    .description('How many routes and clients are told apart; the rest is shown as other.')
    .values('5,10,20,50')
    .options(['5', '10', '20', '50'].map((value) => ({ selected: value === '10', text: value, value })))
    .current({ selected: true, text: '10', value: '10' }),
];
