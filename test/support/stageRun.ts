import { type RunReport, SCENARIO, type Workspace, weighbridge } from './cli.js';

type StageReport = RunReport['stages'][number];

/** Runs one stage of a workspace's scenario on a lab of its own. */
export async function runStage(
  space: Workspace,
  stage: string,
  ...more: string[]
): Promise<{ code: number | null; stage: StageReport; printed: string }> {
  const { code, stdout, stderr } = await weighbridge(
    ['run', SCENARIO, '--stage', stage, '--seed', '11', ...more],
    space.dir,
  );
  const found = space.report().stages.find(({ name }) => name === stage);
  if (!found) throw new Error(`no stage ${stage} in the report:\n${stdout}${stderr}`);
  return { code, stage: found, printed: stdout + stderr };
}

/** A check of a stage, by its name and vantage point. */
export const checkOf = (stage: StageReport, name: string, vantagePoint: string) =>
  stage.checks.find((one) => one.name === name && one.vantagePoint === vantagePoint);
