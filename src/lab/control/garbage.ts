import { type ControlContext, type Controller, timestamp } from './context.js';
import { isTerminating } from './objects.js';
import type { ResourceName, Store } from './store.js';

/** Owner kind -> where it is stored. */
const OWNERS: Readonly<Record<string, ResourceName>> = {
  Deployment: 'deployments.apps',
  ReplicaSet: 'replicasets.apps',
  StatefulSet: 'statefulsets.apps',
  DaemonSet: 'daemonsets.apps',
  Service: 'services',
  TestRun: 'testruns.k6.io',
  Job: 'jobs.batch',
};

/** Objects that owners leave behind. */
const DEPENDENTS: readonly ResourceName[] = [
  'jobs.batch',
  'services',
  'replicasets.apps',
  'endpointslices.discovery.k8s.io',
  'endpoints',
  'pods',
];

/** Removes what a deleted owner left (by uid, so that a recreated owner of the same name adopts nothing). */
export function garbageController({ store, clock }: ControlContext): Controller {
  return {
    resources: [...new Set([...Object.values(OWNERS), ...DEPENDENTS])],
    reconcile() {
      for (const resource of DEPENDENTS) {
        for (const object of store.list(resource)) {
          const { name, namespace, ownerReferences } = object.metadata;
          const orphaned = ownerReferences?.some((owner) => {
            const kept = OWNERS[owner.kind];
            return kept !== undefined && store.get(kept, namespace, owner.name)?.metadata.uid !== owner.uid;
          });
          if (!orphaned || isTerminating(object)) continue;
          if (resource === 'pods')
            store.put('pods', { ...object, metadata: { ...object.metadata, deletionTimestamp: timestamp(clock) } });
          else store.remove(resource, namespace, name);
        }
      }
    },
  };
}

/** Empties a namespace when it is deleted. @returns unsubscribe. */
export function emptyDeletedNamespaces(store: Store): () => void {
  return store.subscribe(({ type, resource, object }) => {
    if (type !== 'DELETED' || resource !== 'namespaces') return;
    for (const name of store.names)
      for (const { metadata } of store.list(name, object.metadata.name))
        store.remove(name, metadata.namespace, metadata.name);
  });
}
