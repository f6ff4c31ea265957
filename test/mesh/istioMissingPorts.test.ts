import { table } from '../support/meshCases.js';
import { headlessAtGateway } from './rows/headlessAtGateway.js';
import * as rows from './rows/missingPorts.js';

for (const { title, cases } of [...Object.values(rows), headlessAtGateway]) table(title, cases);
