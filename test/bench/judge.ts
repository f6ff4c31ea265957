import { seededRandom } from '../../src/base/random.js';
import { ratio } from '../../src/base/units.js';
import { planRun } from '../../src/judge/plan.js';
import { ruleFor } from '../../src/judge/requirements.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { Bench } from './measure.js';
import { type Measured, row } from './row.js';

const UPDATES = 2 ** 20;
const UPDATE_GOAL_NS = 100;
const PLAN_GOAL_MS = 2000;

/** One update of the share gate, a request at a time; and the exact plan of Pitstop, of which nothing is known yet. */
export async function judge({ pairs }: Bench): Promise<Measured> {
  const rounds = Array.from({ length: pairs }, (_, round) => round);
  const scenario = await loadScenario('scenarios/pitstop');
  const plans = rounds.map((round) => {
    // What was computed for one error rate is kept, so each round asks for another.
    const precision = { ...scenario.precision, errorRate: ratio(1e-4 * (1 + 1e-6 * (round + 1))) };
    const stages = scenario.stages.map((stage) => ({
      ...stage,
      precision: { ...stage.precision, errorRate: precision.errorRate },
    }));
    const { user } = process.cpuUsage();
    planRun({ ...scenario, precision, stages });
    return (process.cpuUsage().user - user) / 1000;
  });
  return {
    rows: [
      ...[
        { says: 'as promised', truth: 0.1 },
        { says: 'off by the margin', truth: 0.13 },
      ].map(({ says, truth }) =>
        row(
          'judge',
          `share gate, 10 % ± 3 %, ${says}: one update`,
          rounds.map((round) => updateNs(truth, round)),
          'ns',
          { atMost: UPDATE_GOAL_NS },
        ),
      ),
      row('judge', 'exact plan of all stages of Pitstop', plans, 'ms', { atMost: PLAN_GOAL_MS }),
    ],
    skipped: [],
  };
}

/** Processor time of a decision after every request, starting anew when one is reached. */
function updateNs(truth: number, seed: number): number {
  const gate = ruleFor({ kind: 'gate', share: 0.1, margin: 0.03, alpha: 1e-4, beta: 1e-4 });
  const random = seededRandom(seed);
  const answers = Uint8Array.from({ length: UPDATES }, () => (random() < truth ? 1 : 0));
  const { user } = process.cpuUsage();
  let [k, n] = [0, 0];
  for (const answer of answers) {
    n++;
    k += answer;
    if (gate.decide(k, n) !== 'continue') [k, n] = [0, 0];
  }
  return ((process.cpuUsage().user - user) * 1000) / UPDATES;
}
