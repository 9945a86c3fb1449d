/**
 * Envelopes that may fail to verify: one in a hundred over thirty days, as `DEFAULT_ERROR_BUDGET` of a MigrationPlan
 * has it. The threshold on the dashboard and the burn rates of the alerts are multiples of it.
 */
export const ERROR_BUDGET = 0.01;
