import { table } from '../support/meshCases.js';
import { TABLES } from './rows/all.js';

for (const one of TABLES) table(one);
