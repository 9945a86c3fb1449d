import { DashboardBuilder, DashboardCursorSync, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { linkTo } from './panels.mjs';
import { queriesFor } from './queries.mjs';
import { costPanels } from './rows/cost.mjs';
import { failurePanels } from './rows/failures.mjs';
import { keyPanels } from './rows/keys.mjs';
import { progressPanels } from './rows/progress.mjs';
import { sessionPanels } from './rows/sessions.mjs';
import { standingPanels } from './rows/standing.mjs';
import { variablesFor } from './variables.mjs';

/**
 * The dashboard of a migration, its rows in the order of the questions: may we go on, does it move, whom do we wait
 * for, what breaks, how do callers prove themselves, what does it cost.
 * @param {import('./names.mjs').Names} names
 * @param {string} docs Where the pages of docs/ are published.
 */
export function migrationDashboard(names, docs) {
  const queries = queriesFor(names);
  const dashboard = new DashboardBuilder('xLink migration')
    .uid('xlink-migration')
    .description(
      'From API keys to xLink: how far it is, who is left, what fails, and whether the next step may be taken.',
    )
    .tags(['xlink', 'authentication', 'migration'])
    .time({ from: 'now-24h', to: 'now' })
    .refresh('1m')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables(variablesFor(names))
    .annotations([])
    .link(linkTo('Metrics', `${docs}/metrics`))
    .link(linkTo('Alerts', `${docs}/alerts`));

  let id = 0;
  for (const [title, panels] of [
    /** @type {const} */ (['May we take the next step?', standingPanels(queries, docs)]),
    /** @type {const} */ (['Does it move?', progressPanels(queries, docs)]),
    /** @type {const} */ (['Who still uses keys?', keyPanels(queries, docs)]),
    /** @type {const} */ (['What fails?', failurePanels(queries, docs)]),
    /** @type {const} */ (['How do callers prove themselves?', sessionPanels(queries, docs)]),
    /** @type {const} */ (['What does it cost, and what is in use?', costPanels(queries, docs)]),
  ]) {
    dashboard.withRow(new RowBuilder(title).id(++id));
    for (const panel of panels) dashboard.withPanel(panel.id(++id));
  }
  return dashboard.build();
}
