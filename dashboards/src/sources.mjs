// Imported by its address: what loads the sources is plain JavaScript, and no part of what is checked here.
const { loadSources } = await import(new URL('../../scripts/load-sources.mjs', import.meta.url).href);

/** The tables of the package that the dashboard and the rules are made from. */
export const { METRICS, ERROR_TABLE } =
  /** @type {typeof import('../../src/metrics/metric-table.js') & typeof import('../../src/errors/table.js')} */ (
    await loadSources('./src/metrics/metric-table.ts', './src/errors/table.ts')
  );
