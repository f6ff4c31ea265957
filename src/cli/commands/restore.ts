import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../base/clock.js';
import { EnvironmentError, EXIT } from '../../base/errors.js';
import { type ClusterClient, connectCluster } from '../../cluster/client.js';
import { takeLease } from '../../cluster/lease.js';
import {
  type RestoredObject,
  readUndoFromCluster,
  readUndoFromDisk,
  type UndoRecord,
  undoRecord,
} from '../../cluster/undo.js';
import type { Io } from '../io.js';
import { type ClusterFlags, UNDO_FILE } from '../options.js';

interface Flags extends Pick<ClusterFlags, 'kubeconfig' | 'context'> {
  readonly namespace?: string;
  readonly reports: string;
  readonly json: boolean;
}

export function restoreCommand(io: Io): Command {
  return new Command('restore')
    .description(
      "undo what an interrupted run left in the cluster, from the run's list of changes (on disk, or in a ConfigMap of the namespace)",
    )
    .argument('[run]', 'run id (default: the newest run that left something)')
    .option('--kubeconfig <file>', 'kubeconfig of the cluster (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--namespace <name>', "read the list from this namespace's ConfigMap: for a run of another machine")
    .option('--reports <dir>', 'folder of the reports', 'reports')
    .option('--json', 'print one JSON document', false)
    .addHelpText(
      'after',
      `
Examples:
  weighbridge restore                        the newest run that left something
  weighbridge restore --namespace pitstop    what a run of another machine left

Exit codes: 0 nothing is left · 3 usage · 4 environment unreachable, no such
run, or an object could not be put back`,
    )
    .action(async (run: string | undefined, flags: Flags) => {
      const client = await connectCluster(flags);
      await client.check();
      const reports = resolve(io.cwd, flags.reports);
      const { found, note } = flags.namespace
        ? await fromCluster(client, flags.namespace)
        : run
          ? await ofRun(client, reports, run)
          : await newest(client, reports);
      if (note) io.stderr.write(`${note}\n`);
      if (!found) {
        if (flags.json) io.stdout.write('{"restored":[]}\n');
        else io.stdout.write('nothing to restore: every run has put things back\n');
        return;
      }
      const { record, file } = found;
      const lease = await takeLease(client, record.namespace, `restore-${record.runId}`, systemClock, () => {});
      try {
        const restored = await undoRecord(client, record, file);
        io.stdout.write(flags.json ? `${JSON.stringify({ runId: record.runId, restored })}\n` : text(record, restored));
        if (restored.some((object) => object.result === 'failed')) io.setExitCode(EXIT.environment);
      } finally {
        await lease.release();
      }
    });
}

interface Search {
  readonly found?: { readonly record: UndoRecord; readonly file?: string };
  /** What was passed over. */
  readonly note?: string;
}

async function fromCluster(client: ClusterClient, namespace: string): Promise<Search> {
  const record = await readUndoFromCluster(client, namespace);
  return record ? { found: { record } } : {};
}

async function ofRun(client: ClusterClient, reports: string, run: string): Promise<Search> {
  if (!existsSync(join(reports, run))) {
    throw new EnvironmentError(
      'E_RUN',
      `there is no run ${run} in ${reports}`,
      'list them with ls; a run of another machine is found with --namespace',
    );
  }
  const file = join(reports, run, UNDO_FILE);
  const record = readUndoFromDisk(file);
  if (!record) return {};
  if (record.server !== client.server) throw otherCluster(record, client);
  const holder = (await readUndoFromCluster(client, record.namespace))?.runId;
  if (holder !== undefined && holder !== record.runId) {
    throw new EnvironmentError(
      'E_RUN',
      `run ${holder} has undone the changes of ${run} and has made its own since`,
      `restore that one instead: weighbridge restore --namespace ${record.namespace}`,
    );
  }
  return { found: { record, file } };
}

/**
 * The newest run whose list is also in the cluster: each undo removes that copy, so a list on disk alone was undone from elsewhere (by the
 * next run, say), and undoing it again would bring old objects back.
 */
async function newest(client: ClusterClient, reports: string): Promise<Search> {
  const runs = existsSync(reports) ? readdirSync(reports).sort().reverse() : [];
  const passedOver: string[] = [];
  let elsewhere: UndoRecord | undefined;
  for (const name of runs) {
    const file = join(reports, name, UNDO_FILE);
    const record = name === 'latest' ? undefined : readUndoFromDisk(file);
    if (!record) continue;
    if (record.server !== client.server) {
      elsewhere ??= record;
      continue;
    }
    const inCluster = await readUndoFromCluster(client, record.namespace);
    if (inCluster?.runId === record.runId) return { found: { record, file } };
    passedOver.push(name);
  }
  if (passedOver.length > 0)
    return {
      note: `already undone from elsewhere: ${passedOver.join(', ')} (to undo one all the same, name it: weighbridge restore ${passedOver[0]})`,
    };
  if (elsewhere) throw otherCluster(elsewhere, client);
  return {};
}

const otherCluster = (record: UndoRecord, client: ClusterClient): EnvironmentError =>
  new EnvironmentError(
    'E_CLUSTER',
    `run ${record.runId} changed the cluster ${record.server}, but the kubeconfig leads to ${client.server}`,
    'choose the right one with --kubeconfig or --context',
  );

function text(record: UndoRecord, restored: readonly RestoredObject[]): string {
  const lines = restored.map(
    ({ object, result, note }) => `  ${result.padEnd(9)} ${object}${note ? `  (${note})` : ''}\n`,
  );
  return `run ${record.runId}, namespace ${record.namespace}:\n${lines.join('')}`;
}
