import { API_HELP, API_OPTIONS } from './connect.js';
import type { Finding } from './doctor/finding.js';
import { off } from './doctor/finding.js';
import { own, versions } from './doctor/own.js';
import { Folder } from './local/folder.js';
import { PLACE_OPTIONS } from './local/registry.js';
import { STORE_HELP, STORE_OPTIONS } from './operate/stores.js';
import { COMMON, COMMON_HELP, read, show, TEXT } from './options.js';
import type { Command } from './run.js';

const SIGNS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL', off: '-   ' } as const;

/** `xlink doctor`. */
export const doctorCommand: Command = {
  summary: 'look for what is wrong, and say what to do about it',
  help: `Usage: xlink doctor [--service URL] [--state FOLDER] [options]

Looks at versions, the identity of the folder, its files and registry; with --service at
its clock, discovery and placement; with --state, or places, at the stores of an API.
Each finding comes with its remedy. Exit code 1 if one of them is FAIL.

  --service URL            an API, or an identity server
${STORE_HELP}
${API_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const options = { ...COMMON, ...PLACE_OPTIONS, ...STORE_OPTIONS, ...API_OPTIONS, service: TEXT };
    const { values } = read(args, options);
    const { registry: _, ...local } = values; // that of the API is looked at as a store
    const findings: Finding[] = [...(await versions()), ...(await own(new Folder(values), local))];
    if (values.service === undefined)
      findings.push(off('clock', 'compared with that of a service: --service URL'));
    else findings.push(...(await (await import('./doctor/service.js')).service(values.service, values)));
    const { stores } = await import('./doctor/stores.js');
    findings.push(...(await stores(values)));
    const width = Math.max(...findings.map(({ check }) => check.length));
    const lines = findings.flatMap(({ check, status, says, remedy }) => [
      `${SIGNS[status]}  ${check.padEnd(width)}  ${says}`,
      ...(remedy === undefined ? [] : [`      ${' '.repeat(width)}  ${remedy}`]),
    ]);
    show(output, values, findings, lines);
    return findings.some(({ status }) => status === 'fail') ? 1 : 0;
  },
};
