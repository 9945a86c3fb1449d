import { describeRows } from './describe-rows.js';
import { FAULTS } from './rows/faults.js';

describeRows(FAULTS);
