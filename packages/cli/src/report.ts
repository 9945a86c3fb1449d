import { formatReport, outreachCsv } from '@private.me/xlink';
import { operate, STORE_HELP, STORE_OPTIONS } from './operate/stores.js';
import { durationOf, FLAG, read, show, TEXT } from './options.js';
import type { Command } from './run.js';

/** `xlink report`. */
export const reportCommand: Command = {
  summary: 'show which clients of an API still use keys',
  help: `Usage: xlink report --state FOLDER | --clients PLACE [options]

  --check                  exit code 1 unless keys can be turned off for every client
  --outreach               prints whom to write to, and what, as CSV
  --quiet-time TIME        a client is safe if its key was not used for so long (default 1d)
${STORE_HELP}
  --json                   the whole report, in one line`,
  async run(args, output) {
    const flags = {
      check: FLAG,
      outreach: FLAG,
      json: FLAG,
      yes: { ...FLAG, short: 'y' },
      'quiet-time': TEXT,
    } as const;
    const { values } = read(args, { ...STORE_OPTIONS, ...flags });
    return operate(values, ['clients'], async ({ adapter }) => {
      if (values.outreach) {
        output.out(outreachCsv(await adapter.outreach()).trimEnd());
        return 0;
      }
      const quiet = values['quiet-time'];
      const report = await adapter.report(
        quiet === undefined ? {} : { quietMs: durationOf('quiet-time', quiet) },
      );
      show(output, values, report, [formatReport(report).trimEnd()]);
      return values.check && !report.safeToSwitch ? 1 : 0;
    });
  },
};
