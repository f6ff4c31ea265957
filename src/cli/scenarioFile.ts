import { ConfigError } from '../base/errors.js';
import { loadScenario } from '../scenario/load.js';
import type { Scenario } from '../scenario/types.js';
import type { Io } from './io.js';
import { checkFields, fieldLine } from './manifestFields.js';

/**
 * A scenario whose manifests an API server would take; fields that it would drop are told, one line each.
 * @throws ConfigError with every problem.
 */
export async function readScenario(file: string, io: Pick<Io, 'cwd' | 'stderr'>): Promise<Scenario> {
  const scenario = await loadScenario(file, { cwd: io.cwd });
  const all = [...scenario.lab.objects, ...scenario.stages.flatMap(({ apply }) => apply)];
  const placed = [...new Map(all.map((each) => [`${each.file}:${each.line}`, each])).values()];
  const found = placed.map((each) => ({ each, ...checkFields(each) }));
  const problems = found.flatMap((one) => one.problems);
  if (problems.length > 0) throw new ConfigError(problems);
  for (const { each, warnings } of found) {
    for (const warning of warnings) io.stderr.write(`${fieldLine(each, warning)}\n`);
  }
  return scenario;
}
