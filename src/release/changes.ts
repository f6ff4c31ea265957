import { EXIT, WeighbridgeError } from '../base/errors.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { ApiError, type ClusterClient, keyOf, type ObjectKey } from '../cluster/client.js';
import { planApply } from '../cluster/objects.js';
import type { UndoList } from '../cluster/undo.js';
import type { ObjectRef, Stage } from '../scenario/types.js';
import type { RunEventBody } from './events.js';

type Changed = Extract<RunEventBody, { type: 'changed' }>;

/** API groups of the kinds that a scenario may name without a version, newest served version first. */
const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  VirtualService: ['networking.istio.io/v1', 'networking.istio.io/v1beta1'],
  DestinationRule: ['networking.istio.io/v1', 'networking.istio.io/v1beta1'],
  Gateway: ['networking.istio.io/v1', 'networking.istio.io/v1beta1'],
  Sidecar: ['networking.istio.io/v1', 'networking.istio.io/v1beta1'],
  ServiceEntry: ['networking.istio.io/v1', 'networking.istio.io/v1beta1'],
  HTTPRoute: ['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1'],
  AuthorizationPolicy: ['security.istio.io/v1'],
  PeerAuthentication: ['security.istio.io/v1'],
  Deployment: ['apps/v1'],
  StatefulSet: ['apps/v1'],
  Service: ['v1'],
  ConfigMap: ['v1'],
};

/**
 * Applies and deletes what the stage says, in its order; the inverse of every change is recorded before it is made.
 * @throws WeighbridgeError when the API server refuses an object (exit code 4) or the stage changes a Secret (3).
 */
export async function applyStage(
  client: ClusterClient,
  stage: Stage,
  undo: UndoList,
  emit: (event: Changed) => void,
): Promise<void> {
  for (const { object, file, line } of stage.apply) {
    if (object.kind === 'Secret') {
      throw new WeighbridgeError(
        'E_SECRET',
        EXIT.config,
        `${file}:${line}: a stage may not change a Secret: its content would be written to the list of changes`,
        'create it before the run',
      );
    }
    try {
      emit({
        type: 'changed',
        stage: stage.name,
        object: objectRef(object),
        result: await applyObject(client, object, undo),
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new WeighbridgeError(
        'E_APPLY',
        EXIT.environment,
        `the API server refuses ${objectRef(object)} of ${file}:${line}: ${error.message}`,
        `check it with: kubectl apply --dry-run=server -f ${file}`,
      );
    }
  }
  for (const ref of stage.delete) {
    emit({
      type: 'changed',
      stage: stage.name,
      object: `${ref.kind}/${ref.namespace}/${ref.name}`,
      result: await deleteObject(client, ref, undo),
    });
  }
}

async function applyObject(client: ClusterClient, manifest: KubeObject, undo: UndoList): Promise<Changed['result']> {
  const key = keyOf(manifest);
  for (let attempt = 1; ; attempt++) {
    const live = await client.get(key);
    const planned = live ? planApply(live, manifest) : manifest;
    if (!planned) return 'unchanged';
    await undo.record(key, live);
    try {
      if (live) await client.replace(planned);
      else await client.create(planned);
      return live ? 'configured' : 'created';
    } catch (error) {
      // A controller wrote its status in between: read again.
      if (!(error instanceof ApiError && error.reason === 'Conflict' && attempt < 5)) throw error;
    }
  }
}

async function deleteObject(client: ClusterClient, ref: ObjectRef, undo: UndoList): Promise<Changed['result']> {
  const versions = VERSIONS[ref.kind];
  if (!versions) {
    throw new WeighbridgeError(
      'E_KIND',
      EXIT.config,
      `cannot delete ${ref.kind}/${ref.name}: its API version is unknown`,
      `kinds that can be deleted: ${Object.keys(VERSIONS).join(', ')}`,
    );
  }
  for (const apiVersion of versions) {
    const key: ObjectKey = { apiVersion, kind: ref.kind, namespace: ref.namespace, name: ref.name };
    const live = await client.get(key);
    if (!live) continue;
    await undo.record(key, live);
    await client.remove(key);
    return 'deleted';
  }
  return 'absent';
}
