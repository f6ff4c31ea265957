import { describe } from 'vitest';
import { labWindowSuite } from '../support/labWindow.js';

describe('all vantage points of one window on the lab', { timeout: 90_000 }, () => {
  labWindowSuite();
});
