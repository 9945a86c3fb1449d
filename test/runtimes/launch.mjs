// How each kind of runtime is started on the suite.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { start } from './child.mjs';

/**
 * Each starts a runtime and returns the child process. `file`: the executable. `folder`: empty, its own. `home`: the
 * project with the package. `url`: the control server.
 */
export const LAUNCHERS = {
  process: ({ file, args, home, url }) =>
    start(file, [...args, join(home, 'test/runtimes/process.mjs'), url], { cwd: home }),

  chromium({ file, folder, url, host = '127.0.0.1' }) {
    const args = [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      `--host-resolver-rules=MAP ${host} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
      `--user-data-dir=${folder}`,
    ];
    return start(file, [...args, `${url.replace('127.0.0.1', host)}/`]);
  },

  firefox({ file, folder, url }) {
    const lines = Object.entries(FIREFOX_PREFERENCES).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    writeFileSync(join(folder, 'user.js'), lines.join(''));
    const env = { HOME: folder, MOZ_CRASHREPORTER_DISABLE: '1' };
    return start(file, ['--headless', '--no-remote', '--profile', folder, `${url}/`], { env });
  },

  /** It says on file descriptor 3 which port it got; the first request there starts the suite. */
  workerd({ file, folder, url, workerScript }) {
    writeFileSync(join(folder, 'worker.js'), workerScript);
    writeFileSync(join(folder, 'config.capnp'), workerdConfig(url));
    const args = ['serve', 'config.capnp', '--control-fd=3'];
    const child = start(file, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    createInterface(child.stdio[3]).on('line', (line) => {
      const { event, port } = JSON.parse(line);
      if (event === 'listen') fetch(`http://127.0.0.1:${port}/`).catch((error) => child.emit('error', error));
    });
    return child;
  },
};

/** Firefox reports home unless its way is barred: everything but loopback goes to a proxy that is not there. */
const FIREFOX_PREFERENCES = {
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.no_proxies_on': '127.0.0.1',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.aboutwelcome.enabled': false,
};

/** The earliest at which `fetch` takes `cache: 'no-store'`. */
const COMPATIBILITY_DATE = '2024-11-11';

const workerdConfig = (url) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "suite", worker = .suite),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "suite")],
);
const suite :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  bindings = [(name = "CONTROL_URL", text = ${JSON.stringify(url)})],
  compatibilityDate = "${COMPATIBILITY_DATE}",
);
`;
