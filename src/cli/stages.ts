import { ConfigError } from '../base/errors.js';
import type { Millis } from '../base/units.js';
import type { Scenario } from '../scenario/types.js';

/**
 * Names of the stages that an option chose, in the scenario's order; none chosen: all.
 * @throws ConfigError naming the stages that there are.
 */
export function chosenStages(scenario: Scenario, names: readonly string[], option = '--stage'): string[] {
  const known = scenario.stages.map((stage) => stage.name);
  const problems = names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: option,
      message: `${scenario.file} has no stage ${JSON.stringify(name)}; it has: ${known.join(', ')}`,
    }));
  if (problems.length > 0) throw new ConfigError(problems);
  return names.length === 0 ? known : known.filter((name) => names.includes(name));
}

/** The scenario with this soak after every stage; undefined: as it is written there. */
export function withSoak(scenario: Scenario, soak: Millis | undefined): Scenario {
  if (soak === undefined) return scenario;
  return {
    ...scenario,
    stages: scenario.stages.map(({ soak: _written, ...stage }) => (soak > 0 ? { ...stage, soak } : stage)),
  };
}
