import { resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../base/clock.js';
import { ConfigError, type Problem } from '../../base/errors.js';
import type { Millis } from '../../base/units.js';
import { connectCluster } from '../../cluster/client.js';
import { verifyStage } from '../../release/verify.js';
import { prepareReports } from '../../report/reportsDir.js';
import { loadScenario } from '../../scenario/load.js';
import type { Io } from '../io.js';
import { type ClusterFlags, credentials, defaultScenario, duration, withClusterOptions } from '../options.js';
import { packageVersion } from '../package.js';
import { openSession } from '../session.js';
import { chosenStages, withSoak } from '../stages.js';

interface Flags extends ClusterFlags {
  readonly stage: string;
  readonly reports: string;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly soak?: Millis;
}

export function verifyCommand(io: Io): Command {
  const command = new Command('verify')
    .description('judge the traffic that others send to a stage that is in place; changes nothing and sends nothing')
    .argument('[scenario]', 'scenario file or its folder (default: Pitstop)')
    .requiredOption('--stage <name>', 'the stage whose promise is judged')
    .option('--soak <duration>', 'after a pass, watch for drift so long', duration)
    .option('--reports <dir>', 'folder of the reports', 'reports')
    .option('--verbose', 'tell how every check was decided, with its statistics', false)
    .option('--json', 'print report.json on stdout', false);
  return withClusterOptions(command)
    .addHelpText(
      'after',
      `
There is no client's view: the proxies (and Kiali's graph) decide alone.

Example:
  weighbridge verify shop/ --stage canary \\
    --prometheus-url http://localhost:9090

Exit codes: 0 pass · 1 fail · 2 inconclusive or no data · 3 configuration ·
4 environment · 130/143 interrupted`,
    )
    .action(async (scenarioFile: string | undefined, flags: Flags) => {
      const loaded = await loadScenario(scenarioFile ?? defaultScenario(io.cwd), { cwd: io.cwd });
      if (loaded.from === undefined) throw new ConfigError([nobodyTells(loaded.file)]);
      const scenario = withSoak(loaded, flags.soak);
      const stages = chosenStages(scenario, [flags.stage]);
      const stage = scenario.stages.find((candidate) => candidate.name === flags.stage);
      if (!stage) return;
      const reports = resolve(io.cwd, flags.reports);
      prepareReports(reports);
      const client = await connectCluster(flags);
      await client.check();
      const session = openSession(io, reports, scenario.name, flags);
      await verifyStage(
        scenario,
        stage,
        {
          runId: session.runId,
          weighbridgeVersion: packageVersion(),
          stages,
          seed: 0,
          engine: 'none',
          keep: false,
          target: {
            kind: 'cluster',
            baseUrl: '',
            prometheusUrl: flags.prometheusUrl,
            kialiUrl: flags.kialiUrl,
            ...credentials(flags, io),
          },
          undoFile: '',
        },
        { clock: systemClock, client, emit: session.emit, signal: io.signal },
      );
      session.finish();
    });
}

const nobodyTells = (file: string): Problem => ({
  file,
  path: 'from',
  message: 'is needed here: where others send, only the proxy of a calling workload tells which version answered',
  hint: 'name the workload whose calls are judged',
});
