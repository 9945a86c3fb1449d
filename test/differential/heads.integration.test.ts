import { describeRows } from './describe-rows.js';
import { HEADS } from './rows/heads.js';

describeRows(HEADS);
