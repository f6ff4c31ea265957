import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { EnvironmentError, EXIT } from '../../base/errors.js';
import { type ClusterClient, connectCluster } from '../../cluster/client.js';
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
      const found = flags.namespace
        ? await fromCluster(client, flags.namespace)
        : fromDisk(client, resolve(io.cwd, flags.reports), run);
      if (!found) {
        if (flags.json) io.stdout.write('{"restored":[]}\n');
        else io.stdout.write('nothing to restore: every run has put things back\n');
        return;
      }
      const restored = await undoRecord(client, found.record, found.file);
      io.stdout.write(
        flags.json ? `${JSON.stringify({ runId: found.record.runId, restored })}\n` : text(found.record, restored),
      );
      if (restored.some((object) => object.result === 'failed')) io.setExitCode(EXIT.environment);
    });
}

interface Found {
  readonly record: UndoRecord;
  readonly file?: string;
}

async function fromCluster(client: ClusterClient, namespace: string): Promise<Found | undefined> {
  const record = await readUndoFromCluster(client, namespace);
  return record && { record };
}

function fromDisk(client: ClusterClient, reports: string, run: string | undefined): Found | undefined {
  if (run && !existsSync(join(reports, run))) {
    throw new EnvironmentError(
      'E_RUN',
      `there is no run ${run} in ${reports}`,
      'list them with ls; a run of another machine is found with --namespace',
    );
  }
  const runs = run ? [run] : existsSync(reports) ? readdirSync(reports).sort().reverse() : [];
  let elsewhere: UndoRecord | undefined;
  for (const name of runs) {
    const file = join(reports, name, UNDO_FILE);
    // Among all runs `latest` would only be one of them again.
    const record = name === 'latest' && !run ? undefined : readUndoFromDisk(file);
    if (!record) continue;
    if (record.server === client.server) return { record, file };
    elsewhere ??= record;
  }
  if (!elsewhere) return undefined;
  throw new EnvironmentError(
    'E_CLUSTER',
    `run ${elsewhere.runId} changed the cluster ${elsewhere.server}, but the kubeconfig leads to ${client.server}`,
    'choose the right one with --kubeconfig or --context; a lab that has ended needs no restore',
  );
}

function text(record: UndoRecord, restored: readonly RestoredObject[]): string {
  const lines = restored.map(
    ({ object, result, note }) => `  ${result.padEnd(9)} ${object}${note ? `  (${note})` : ''}\n`,
  );
  return `run ${record.runId}, namespace ${record.namespace}:\n${lines.join('')}`;
}
