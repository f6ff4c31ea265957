import type { ResourceName } from '../../control/store.js';
import type { Schema } from '../schema.js';
import { labels, metadata, strings } from './common.js';
import { destinationRule, virtualService } from './istio.js';
import { deployment, pod, selector, service, template } from './kubernetes.js';
import { testRun } from './testRun.js';

/** Fields whose values are not looked into. */
const named = (fields: string): { readonly [field: string]: Schema } =>
  Object.fromEntries(fields.split(' ').map((field) => [field, 'any' as const]));

const object = (fields: { readonly [field: string]: Schema }): Schema => ({
  apiVersion: 'str',
  kind: 'str',
  metadata,
  ...fields,
});

const spec = (fields: Schema): Schema => object({ spec: fields, status: 'any' });

/** What holds for every other kind. */
export const ANY_OBJECT: Schema = { metadata, '*': 'any' };

/** Kinds whose fields are checked; all others are taken as they are. */
export const SCHEMAS: Readonly<Partial<Record<ResourceName, Schema>>> = {
  'virtualservices.networking.istio.io': spec(virtualService),
  'destinationrules.networking.istio.io': spec(destinationRule),
  'deployments.apps': spec(deployment),
  services: spec(service),
  pods: spec(pod),
  'replicasets.apps': spec({ minReadySeconds: 'int', replicas: 'int', selector, template }),
  'statefulsets.apps': spec({
    ...named(
      'minReadySeconds ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy revisionHistoryLimit serviceName updateStrategy volumeClaimTemplates',
    ),
    replicas: 'int',
    selector,
    template,
  }),
  'daemonsets.apps': spec({ ...named('minReadySeconds revisionHistoryLimit updateStrategy'), selector, template }),
  configmaps: object({ data: labels, binaryData: labels, immutable: 'bool' }),
  secrets: object({ data: labels, stringData: labels, immutable: 'bool', type: 'str' }),
  serviceaccounts: object(named('secrets imagePullSecrets automountServiceAccountToken')),
  namespaces: spec({ finalizers: strings }),
  endpoints: object({ subsets: [named('addresses notReadyAddresses ports')] }),
  'endpointslices.discovery.k8s.io': object(named('addressType endpoints ports')),
  'leases.coordination.k8s.io': object({
    spec: {
      holderIdentity: 'str',
      leaseDurationSeconds: 'int',
      acquireTime: 'str',
      renewTime: 'str',
      leaseTransitions: 'int',
      strategy: 'str',
      preferredHolder: 'str',
    },
  }),
  'roles.rbac.authorization.k8s.io': object(named('rules')),
  'clusterroles.rbac.authorization.k8s.io': object(named('rules aggregationRule')),
  'rolebindings.rbac.authorization.k8s.io': object(named('subjects roleRef')),
  'clusterrolebindings.rbac.authorization.k8s.io': object(named('subjects roleRef')),
  'testruns.k6.io': spec(testRun),
};
