import { afterAll, describe, expect, it } from 'vitest';
import { TABLES } from '../mesh/rows/all.js';
import { IstioOracle, oracleDifferences } from '../support/istioOracle.js';
import { clusterOf } from '../support/meshCases.js';
import { findPeer } from '../support/peers.js';

const program = findPeer('istio-oracle');

/** What the tables of test/mesh/rows claim, test/mesh/istioRows.test.ts holds; so these rows are what Istio does. */
describe.runIf(program)("Istio's own compiler makes of every row what mesh/ makes of it", () => {
  const oracle = program ? new IstioOracle(program) : undefined;
  afterAll(() => oracle?.close());

  for (const { title, cases } of TABLES) {
    describe(title, () => {
      for (const one of cases.filter(({ unasked }) => unasked === undefined)) {
        it(one.says, async () => {
          const cluster = clusterOf(one);
          expect(oracleDifferences(cluster, await oracle!.ask(cluster))).toEqual([]);
        });
      }
    });
  }
});
