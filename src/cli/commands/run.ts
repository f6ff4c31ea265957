import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { systemClock } from '../../base/clock.js';
import { ConfigError } from '../../base/errors.js';
import { connectCluster } from '../../cluster/client.js';
import { runRelease } from '../../release/run.js';
import { prepareReports } from '../../report/reportsDir.js';
import { loadScenario } from '../../scenario/load.js';
import type { Scenario } from '../../scenario/types.js';
import type { Io } from '../io.js';
import { startLabProcess } from '../labProcess.js';
import {
  type ClusterFlags,
  defaultScenario,
  httpUrl,
  kialiAuth,
  UNDO_FILE,
  wholeNumber,
  withClusterOptions,
} from '../options.js';
import { packageVersion } from '../package.js';
import { openSession } from '../session.js';

interface Flags extends ClusterFlags {
  readonly target: 'lab' | 'cluster';
  readonly stage: readonly string[];
  readonly baseUrl: string;
  readonly keep: boolean;
  readonly reports: string;
  readonly seed?: number;
  readonly json: boolean;
}

export function runCommand(io: Io): Command {
  const command = new Command('run')
    .description('walk the stages of a release under load and judge each one; the cluster is put back afterwards')
    .argument('[scenario]', 'scenario file or its folder (default: Pitstop)')
    .addOption(
      new Option('--target <where>', 'the embedded lab, or the cluster of the kubeconfig')
        .choices(['lab', 'cluster'])
        .default('lab'),
    )
    .option('--stage <name>', 'only this stage (repeatable)', (name, all: string[]) => [...all, name], [] as string[])
    .option('--keep', 'a passed run leaves the last stage in place', false)
    .option(
      '--base-url <url>',
      'where the load enters the application (target cluster)',
      httpUrl,
      'http://localhost:7005',
    )
    .option(
      '--seed <n>',
      'seed of every draw of the load and the lab (default: from the clock, printed)',
      wholeNumber(0, 2 ** 32 - 1),
    )
    .option('--reports <dir>', 'folder of the reports', 'reports')
    .option('--json', 'print report.json on stdout', false);
  return withClusterOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  weighbridge run                                    Pitstop on the embedded lab
  weighbridge run --stage canary --seed 7            one stage, repeatable
  weighbridge run shop/ --target cluster --keep      on a cluster; leave the release in place when it passes

Exit codes: 0 pass · 1 fail · 2 inconclusive, no data or invalid run · 3 configuration · 4 environment · 130/143 interrupted`,
    )
    .action(async (scenarioFile: string | undefined, flags: Flags) => {
      const file = scenarioFile ?? defaultScenario(io.cwd);
      const scenario = await loadScenario(file, { cwd: io.cwd });
      const stages = chosenStages(scenario, flags.stage);
      const seed = flags.seed ?? systemClock.wallMs() % 2 ** 32;
      const reports = resolve(io.cwd, flags.reports);
      prepareReports(reports);
      const labArgs = [
        resolve(io.cwd, file),
        '--seed',
        String(seed),
        ...(stages[0] ? ['--before-stage', stages[0]] : []),
      ];
      const lab = flags.target === 'lab' ? await startLabProcess(labArgs) : undefined;
      try {
        const client = await connectCluster(lab ? { kubeconfig: lab.kubeconfig } : flags);
        await client.check();
        const { baseUrl, prometheusUrl, kialiUrl } = lab ?? flags;
        const session = openSession(io, reports, scenario.name, flags.json);
        await runRelease(
          scenario,
          {
            runId: session.runId,
            weighbridgeVersion: packageVersion(),
            stages,
            seed,
            engine: 'undici',
            keep: flags.keep,
            target: {
              kind: flags.target,
              baseUrl,
              prometheusUrl,
              kialiUrl,
              kialiAuth: lab ? { strategy: 'anonymous' } : kialiAuth(flags, io),
            },
            undoFile: join(session.dir, UNDO_FILE),
          },
          { clock: systemClock, client, emit: session.emit, signal: io.signal },
        );
        session.finish();
      } finally {
        await lab?.stop();
      }
    });
}

/** @throws ConfigError naming the stages that there are. */
export function chosenStages(scenario: Scenario, names: readonly string[]): string[] {
  const known = scenario.stages.map((stage) => stage.name);
  const problems = names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: '--stage',
      message: `${scenario.file} has no stage ${JSON.stringify(name)}; it has: ${known.join(', ')}`,
    }));
  if (problems.length > 0) throw new ConfigError(problems);
  return names.length === 0 ? known : known.filter((name) => names.includes(name));
}
