import { systemClock } from '../base/clock.js';
import { ConfigError, EnvironmentError, type Problem } from '../base/errors.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { ApiError, type ClusterClient, keyOf, type ObjectKey } from '../cluster/client.js';
import { planApply, planCreate } from '../cluster/objects.js';
import { Patience } from '../cluster/patience.js';
import type { UndoList } from '../cluster/undo.js';
import type { ObjectRef, Stage } from '../scenario/types.js';
import type { RunEventBody } from './events.js';

type Changed = Extract<RunEventBody, { type: 'changed' }>;

const ISTIO = ['networking.istio.io/v1', 'networking.istio.io/v1beta1'] as const;

/** API versions of the kinds that a scenario may name without one, newest first. */
const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  VirtualService: ISTIO,
  DestinationRule: ISTIO,
  Gateway: [...ISTIO, 'gateway.networking.k8s.io/v1'],
  Sidecar: ISTIO,
  ServiceEntry: ISTIO,
  EnvoyFilter: ['networking.istio.io/v1alpha3'],
  HTTPRoute: ['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1', 'policy.linkerd.io/v1beta3'],
  GRPCRoute: ['gateway.networking.k8s.io/v1'],
  ServiceProfile: ['linkerd.io/v1alpha2'],
  AuthorizationPolicy: ['security.istio.io/v1'],
  PeerAuthentication: ['security.istio.io/v1'],
  Deployment: ['apps/v1'],
  StatefulSet: ['apps/v1'],
  DaemonSet: ['apps/v1'],
  HorizontalPodAutoscaler: ['autoscaling/v2'],
  Ingress: ['networking.k8s.io/v1'],
  NetworkPolicy: ['networking.k8s.io/v1'],
  Service: ['v1'],
  ConfigMap: ['v1'],
};

/**
 * Looks for changes that cannot be made, before anything is changed.
 * @throws ConfigError naming all of them.
 */
export function checkChanges(stages: readonly Stage[]): void {
  const secrets = stages.flatMap(({ apply }) =>
    apply
      .filter(({ object }) => object.kind === 'Secret')
      .map(
        ({ object, file, line }): Problem => ({
          file,
          line,
          message: `a stage may not change ${objectRef(object)}: the content of a Secret would be written to the list of changes`,
          hint: 'create it before the run',
        }),
      ),
  );
  const unknown = stages.flatMap((stage) =>
    stage.delete
      .filter(({ kind }) => !Object.hasOwn(VERSIONS, kind))
      .map(
        (ref): Problem => ({
          path: `stage ${stage.name}`,
          message: `cannot delete ${refText(ref)}: the API version of ${ref.kind} is not known`,
          hint: `kinds that can be deleted: ${Object.keys(VERSIONS).join(', ')}`,
        }),
      ),
  );
  const problems = [...secrets, ...unknown];
  if (problems.length > 0) throw new ConfigError(problems);
}

const refText = ({ kind, namespace, name }: ObjectRef): string => `${kind}/${namespace}/${name}`;

/**
 * Applies and deletes what the stage says, in its order; the inverse of every change is recorded before it is made.
 * @throws EnvironmentError naming the object, with its file and line, that the API server refuses; ConfigError as `checkChanges`.
 */
export async function applyStage(
  client: ClusterClient,
  stage: Stage,
  undo: UndoList,
  emit: (event: Changed) => void,
  patience = new Patience({ clock: systemClock }),
): Promise<void> {
  checkChanges([stage]);
  const changed = (object: string, result: Changed['result']) =>
    emit({ type: 'changed', stage: stage.name, object, result });
  for (const { object, file, line } of stage.apply) {
    // Read again and planned again at every try, so that a write whose answer was lost is not made twice.
    const result = await patience
      .with(() => applyObject(client, object, undo))
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        throw new EnvironmentError(
          'E_APPLY',
          `the API server refuses ${objectRef(object)} of ${file}:${line}: ${error.message}`,
          `check it with: kubectl apply --dry-run=server -f ${file}`,
        );
      });
    changed(objectRef(object), result);
  }
  for (const ref of stage.delete) {
    const result = await patience
      .with(() => deleteObject(client, ref, undo))
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        throw new EnvironmentError(
          'E_APPLY',
          `the API server refuses to delete ${refText(ref)} in stage ${stage.name}: ${error.message}`,
          `check it with: kubectl delete --dry-run=server -n ${ref.namespace} ${ref.kind} ${ref.name}`,
        );
      });
    changed(refText(ref), result);
  }
}

async function applyObject(client: ClusterClient, manifest: KubeObject, undo: UndoList): Promise<Changed['result']> {
  const key = keyOf(manifest);
  for (let attempt = 1; ; attempt++) {
    const live = await client.get(key);
    const planned = live ? planApply(live, manifest) : planCreate(manifest);
    if (!planned) return 'unchanged';
    await undo.record(key, live);
    try {
      if (live) await client.replace(planned);
      else await client.create(planned);
      return live ? 'configured' : 'created';
    } catch (error) {
      // Somebody wrote in between (a controller's status, say): read again.
      if (!(error instanceof ApiError && error.status === 409 && attempt < 5)) throw error;
    }
  }
}

async function deleteObject(client: ClusterClient, ref: ObjectRef, undo: UndoList): Promise<Changed['result']> {
  for (const apiVersion of VERSIONS[ref.kind] ?? []) {
    const key: ObjectKey = { apiVersion, kind: ref.kind, namespace: ref.namespace, name: ref.name };
    const live = await client.get(key);
    if (!live) continue;
    await undo.record(key, live);
    await client.remove(key);
    return 'deleted';
  }
  return 'absent';
}
