import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError, type Problem } from '../../base/errors.js';
import { type Millis, millis } from '../../base/units.js';
import { duration, httpUrl, wholeNumber } from '../options.js';

/** The options of `load` for runners in a cluster. */
export interface ClusterLoadFlags {
  readonly target: 'local' | 'cluster';
  readonly parallelism: number;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly prometheusUrl: string;
  readonly prometheusTokenFile?: string;
  readonly prometheusWriteUrl: string;
  readonly runnerImage: string;
  readonly runnerCpu?: string;
  readonly runnerMemory?: string;
  readonly runnerSecret?: string;
  readonly separate: boolean;
  readonly sidecar: boolean;
  readonly startTimeout: Millis;
  readonly dryRun: boolean;
  readonly reports: string;
  readonly script?: string;
  readonly json: boolean;
}

/** The k6 that tests ran with. */
const K6_IMAGE = 'grafana/k6:1.1.0';

export function withClusterLoadOptions(command: Command): Command {
  return command
    .optionsGroup('From the pods of a cluster (--engine k6 --target cluster), by the k6-operator:')
    .addOption(
      new Option('--target <where>', 'what sends: this machine, or pods of the cluster of the kubeconfig')
        .choices(['local', 'cluster'])
        .default('local'),
    )
    .option('--parallelism <n>', 'runners, which share the users or arrivals', wholeNumber(1, 1000), 1)
    .option('--namespace <name>', "of the runners (default: that of the kubeconfig's context)")
    .option('--kubeconfig <file>', 'kubeconfig of the cluster (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .option('--prometheus-url <url>', 'where the counters are read', httpUrl, 'http://localhost:9090')
    .option('--prometheus-token-file <file>', 'bearer token for reading (or WEIGHBRIDGE_PROMETHEUS_TOKEN)')
    .addOption(
      new Option(
        '--prometheus-write-url <url>',
        'where runners write them, as the cluster reaches it; needs --web.enable-remote-write-receiver there',
      )
        .argParser(httpUrl)
        .default('http://prometheus.istio-system:9090/api/v1/write', "that of Istio's add-on"),
    )
    .option('--runner-image <image>', 'image of k6', K6_IMAGE)
    .option('--runner-cpu <quantity>', 'CPU that each runner is guaranteed, such as 2 or 500m', quantity)
    .option('--runner-memory <quantity>', 'memory of each runner, such as 1Gi: guaranteed, and its limit', quantity)
    .option(
      '--runner-secret <name>',
      'Secret whose keys become variables of the runners, such as K6_PROMETHEUS_RW_BEARER_TOKEN',
    )
    .option('--separate', 'one runner a node at most', false)
    .option(
      '--sidecar',
      'runners are in the mesh, so that its routes apply to what they send (default: they come from outside, as users do; right for a web application or a gateway, whose own proxies choose the version)',
      false,
    )
    .addOption(
      new Option('--start-timeout <time>', 'how long pods may take until all runners send')
        .argParser(duration)
        .default(millis(180_000), '3m'),
    )
    .option('--dry-run', 'print the manifests and change nothing', false)
    .option('--reports <dir>', 'folder for the list of what was created, from which `restore` deletes it', 'reports');
}

const CLUSTER_ONLY = [
  'parallelism',
  'namespace',
  'kubeconfig',
  'context',
  'prometheusUrl',
  'prometheusTokenFile',
  'prometheusWriteUrl',
  'runnerImage',
  'runnerCpu',
  'runnerMemory',
  'runnerSecret',
  'separate',
  'sidecar',
  'startTimeout',
  'dryRun',
  'reports',
] as const;

/** @throws ConfigError for options that would be ignored without a word, and for engines that have no runners. */
export function checkTarget(command: Command, { target }: ClusterLoadFlags, engine: string): void {
  const problems: Problem[] = [];
  if (target === 'cluster' && engine !== 'k6') {
    problems.push({
      path: '--target',
      message: `only k6 sends from a cluster, not ${engine}`,
      hint: 'add --engine k6',
    });
  }
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
  const given = CLUSTER_ONLY.filter(isGiven);
  if (target === 'cluster' && isGiven('k6')) {
    problems.push({ path: '--k6', message: 'is for a k6 on this machine', hint: 'name an image with --runner-image' });
  }
  if (target === 'cluster' && isGiven('ca')) {
    problems.push({
      path: '--ca',
      message: 'does not reach the runners',
      hint: 'use an image that trusts it, or --insecure',
    });
  }
  if (target !== 'cluster') {
    for (const name of given) {
      const path = command.options.find((option) => option.attributeName() === name)?.long ?? name;
      problems.push({ path, message: 'is for runners in a cluster', hint: 'add --engine k6 --target cluster' });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Kubernetes' notation of an amount. */
function quantity(text: string): string {
  if (!/^\d+(\.\d+)?(m|[kMGTPE]i?)?$/.test(text))
    throw new InvalidArgumentError('it must be a quantity such as 500m, 2 or 1Gi');
  return text;
}
