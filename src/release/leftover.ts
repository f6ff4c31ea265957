import { EnvironmentError } from '../base/errors.js';
import type { ClusterClient } from '../cluster/client.js';
import { type RestoredObject, readUndoFromCluster, undoRecord } from '../cluster/undo.js';

/**
 * What an earlier run left in the namespace is undone before this one looks at anything.
 * @param tell is told what was put back, if there was anything
 * @throws EnvironmentError when something could not be put back: this run's own list would overwrite the earlier one.
 */
export async function undoLeftover(
  client: ClusterClient,
  namespace: string,
  tell: (objects: readonly RestoredObject[]) => void,
): Promise<void> {
  const record = await readUndoFromCluster(client, namespace);
  if (!record) return;
  const objects = await undoRecord(client, record);
  tell(objects);
  const failed = objects.filter(({ result }) => result === 'failed');
  if (failed.length === 0) return;
  throw new EnvironmentError(
    'E_RESTORE',
    `what run ${record.runId} left cannot be put back: ${failed.map(({ object, note }) => `${object}: ${note}`).join('; ')}`,
    `try again with: weighbridge restore --namespace ${namespace}`,
  );
}
