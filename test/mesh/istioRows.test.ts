import { describe, it } from 'vitest';
import { check } from '../support/meshCases.js';
import { TABLES } from './rows/all.js';

describe.each(TABLES)('$title', ({ cases }) => {
  it.each(cases)('$says', (one) => check(one));
});
