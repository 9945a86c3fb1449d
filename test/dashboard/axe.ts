import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';

/** axe-core as a script; it leaves `axe` in the page. */
export const AXE_SCRIPT = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** All rules of WCAG 2.2 A and AA, and the best practices. An expression for the page; its value is a promise of {@link Finding}s. */
export const RUN_AXE = `(${(
  async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(where: Document, options: object): Promise<AxeResults> };
    };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations, passes } = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    );
    return JSON.stringify({ found, passed: passes.length });
  }
).toString()})()`;

/** What axe says of a page. */
export interface Finding {
  /** What it objects to. */
  readonly found: readonly string[];
  /** How many rules had something to look at and found it good. */
  readonly passed: number;
}
