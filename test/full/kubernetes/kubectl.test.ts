import { afterEach, describe } from 'vitest';
import { compared } from '../../support/comparisons.js';
import { findPeer } from '../../support/peers.js';

/** What kubectl 1.37 is asked in `npm test`, asked by the one of Debian 12. */
const binary = findPeer('kubectl-debian');

describe.skipIf(!binary)('kubectl 1.20', async () => {
  if (binary) process.env.WEIGHBRIDGE_KUBECTL = binary;
  afterEach(() => compared('kubectl-debian'));
  await import('../../lab/api/kubectl.test.js');
});
