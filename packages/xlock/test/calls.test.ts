// What a command would not heed it refuses, before it does anything: whoever wrote it counts on it.
import { expect, test } from '@jest/globals';
import { ran } from './in-process.js';
import { temporaryFolder } from './support.js';

const OWNER = ['--service', 'https://acme.com'];

test.each([
  [['rotate', '--store', 'https://new.example/x'], '--store needs --without'],
  [['rotate', '--without', 'file:a', ...OWNER], '--without moves all passkeys'],
  [['rotate', '--without', 'file:a', '--user', 'ada'], '--without moves all passkeys'],
  [['rotate', '--user', 'ada'], '--user needs --service'],
  [['rotate', 'file:a'], 'rotate takes options alone'],
  [['list', ...OWNER], 'list takes no --service'],
  [['list', 'xlock://login?x'], 'list takes options alone'],
  [['recover', ...OWNER, '--store', 'file:c'], 'recover takes no --store'],
  [['register', 'xlock://register?x', '--name', 'phone'], 'register takes no --name'],
  [['init', '--store', 'file:a', '--store', 'file:b', 'file:c'], 'init takes options alone'],
  [['init', '--store', 'file:a', '--store', 'file:b', '--once'], 'init takes no --once'],
  [['approve', 'xlock://login?x', '--quiet', '22:00-07:00'], 'are for approve without a link'],
  [['approve', 'xlock://login?x', '--once'], 'are for approve without a link'],
  [['approve', '--seen', 'acme.com'], '--seen and --digits are for one login'],
  [['approve', 'xlock://login?x', 'xlock://login?y'], 'there is one link at most'],
  [['audit', '--home', '/nowhere', '--user', 'ada'], 'audit takes no --user'],
])('%j is refused: %s', async (args, why) => {
  await expect(ran(await temporaryFolder(), ...args)).rejects.toMatchObject({
    code: 'ERR_PARSE_ARGS_XLOCK',
    message: expect.stringContaining(why),
  });
});
