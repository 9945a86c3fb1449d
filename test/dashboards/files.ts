import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

// The built dashboard and rules, as Grafana and Prometheus get them.

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const RULES_FILE = `${root}dashboards/rules.yml`;

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly instant: boolean;
  readonly range: boolean;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly panels?: readonly Panel[];
  readonly links?: readonly { readonly url: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string; readonly noValue?: string } };
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query?: string | { readonly query: string };
  readonly current?: { readonly value: string | readonly string[] };
}

export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export const readDashboard = (file = `${root}dashboards/xlink-migration.json`): Dashboard =>
  JSON.parse(readFileSync(file, 'utf8'));

export const readRules = (file = RULES_FILE): Rule[] =>
  (parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules);

/** Every panel, those in collapsed rows too. */
export const panelsOf = ({ panels }: Pick<Dashboard, 'panels'>): Panel[] =>
  panels.flatMap((panel) => [panel, ...panelsOf({ panels: panel.panels ?? [] })]);

/** Every query: the panel it is in, and its letter. */
export const targetsOf = (dashboard: Dashboard): { readonly panel: Panel; readonly target: Target }[] =>
  panelsOf(dashboard).flatMap((panel) => (panel.targets ?? []).map((target) => ({ panel, target })));

/** What is chosen at the top of the dashboard; `__…` are Grafana's own. */
export type Chosen = Readonly<
  Record<'job' | 'instance' | 'route' | 'top' | '__range' | '__rate_interval', string>
>;

/** The query as Grafana sends it. Throws if it names a variable that was not given. */
export function substituted(expr: string, chosen: Chosen): string {
  return expr.replaceAll(/\$(\w+)/g, (_, name: keyof Chosen) => {
    const value = chosen[name];
    if (value === undefined) throw new Error(`$${name} is no variable`);
    return value;
  });
}

/** A choice of several values, as Grafana writes it into a regular expression. */
export const oneOf = (...values: string[]): string =>
  `(${values.map((value) => value.replaceAll(/[\\^$*+?.()|[\]{}]/g, '\\\\$&')).join('|')})`;
