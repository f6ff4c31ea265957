import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { istioCase } from '../support/istioArbitraries.js';
import { IstioOracle, type OracleCase, oracleDifferences } from '../support/istioOracle.js';
import { findPeer } from '../support/peers.js';

const program = findPeer('istio-oracle');
const NIGHTLY = process.env.WEIGHBRIDGE_NIGHTLY !== undefined;
const CASES = Number(process.env.WEIGHBRIDGE_ORACLE_CASES ?? (NIGHTLY ? 10_000 : 1_000));
const SEED = Number(process.env.WEIGHBRIDGE_ORACLE_SEED ?? 8);

const shown = ({ objects, caller, requests }: OracleCase): string =>
  [...objects, { caller, requests }].map((object) => stringify(object)).join('---\n');

describe.runIf(program)("beside Istio's own compiler", () => {
  const oracle = program ? new IstioOracle(program) : undefined;
  afterAll(() => oracle?.close());

  it(`shares, failures, copies and policies of ${CASES} random clusters are the same`, {
    timeout: 3_600_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(istioCase, async (one) => {
        const differences = oracleDifferences(one, await oracle!.ask(one));
        expect(differences, differences.join('\n')).toEqual([]);
      }),
      {
        numRuns: CASES,
        seed: SEED,
        endOnFailure: false,
        reporter: (run) => {
          if (!run.failed) return;
          const [one] = run.counterexample ?? [];
          const error = run.errorInstance instanceof Error ? run.errorInstance.message : '';
          throw new Error(`after ${run.numRuns} cases, seed ${run.seed}:\n${error}\n${one ? shown(one) : ''}`);
        },
      },
    );
  });
});
