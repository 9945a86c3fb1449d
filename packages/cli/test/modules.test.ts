import { describe, expect, test } from '@jest/globals';
import { type Command, route, run, type XlinkModule } from '../src/index.js';
import { installedModules } from '../src/modules.js';

const command: Command = {
  summary: 'says hello',
  help: 'Usage: xlink hello',
  run: async (_args, { out }) => {
    out('hello');
    return 0;
  },
};
const module: XlinkModule = {
  name: 'hello',
  commands: { hello: command },
  routes: [
    route(
      {
        id: 'hello',
        method: 'GET',
        path: '/v1/hello',
        tag: 'Hello',
        summary: 'Says hello',
        access: 'public',
        answer: {
          status: 200,
          description: 'Hello',
          schema: { type: 'object', properties: { hello: { type: 'string' } }, required: ['hello'] },
        },
      },
      () => ({ hello: 'world' }),
    ),
  ],
};

const absent = (name: string) =>
  Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });

/** Loads what is there under these names. */
const loader = (there: Readonly<Record<string, unknown>>) => async (name: string) => {
  if (!(name in there)) throw absent(name);
  return { default: there[name] };
};

describe('modules of installed packages', () => {
  test('are those of wings that are there, and those that are named', async () => {
    const load = loader({ '@private.me/x0x/xlink-cli': module, 'other/xlink-cli': { name: 'other' } });
    expect((await installedModules({}, load)).map(({ name }) => name)).toEqual(['hello']);
    const named = await installedModules({ XLINK_MODULES: 'other' }, load);
    expect(named.map(({ name }) => name)).toEqual(['hello', 'other']);
  });

  test('one that is named must be there', async () => {
    await expect(installedModules({ XLINK_MODULES: 'nowhere' }, loader({}))).rejects.toThrow(
      'the module of nowhere could not be loaded',
    );
  });

  test('one whose own packages are missing is told, and not left out', async () => {
    const load = async () => {
      throw absent('left-pad');
    };
    await expect(installedModules({}, load)).rejects.toThrow(
      'the module of @private.me/xid could not be loaded',
    );
  });

  test.each([[null], [{}], [{ name: 'x', routes: [{ path: '/health' }] }], [{ name: 'x', commands: 1 }]])(
    '%j is none',
    async (made) => {
      await expect(installedModules({ XLINK_MODULES: 'x' }, loader({ 'x/xlink-cli': made }))).rejects.toThrow(
        'x/xlink-cli has no default export with name, commands and routes',
      );
    },
  );

  test('a word that is no command is looked for among them', async () => {
    const said: string[] = [];
    const output = {
      out: (line: string) => void said.push(line),
      err: (line: string) => void said.push(line),
    };
    expect(await run(['hello'], {}, output)).toBe(2);
    expect(said).toEqual(['xlink: there is no command "hello"; see xlink --help']);
  });
});
