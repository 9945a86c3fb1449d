import { describeRows } from './describe-rows.js';
import { WRITING } from './rows/writing.js';

describeRows(WRITING);
