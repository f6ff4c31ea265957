import { table } from '../support/meshCases.js';
import * as rows from './rows/missingPorts.js';

for (const { title, cases } of Object.values(rows)) table(title, cases);
