import type { KubeObject } from '../../base/kubernetes.js';
import { resourceFor } from './resources.js';
import type { Store } from './store.js';

/** Older than anything a user creates, as in a cluster that has been running for a while. */
const BIRTH = '2026-01-01T00:00:00Z';

const ISTIO_NAMESPACE = 'istio-system';

/** Every object that a fresh cluster with Istio holds. */
function startObjects(): KubeObject[] {
  const namespaces = ['default', 'kube-system', ISTIO_NAMESPACE];
  return [
    ...namespaces.flatMap((name) => [namespaceObject(name), serviceAccount('default', name)]),
    serviceAccount('istiod', ISTIO_NAMESPACE),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace: ISTIO_NAMESPACE, creationTimestamp: BIRTH },
      data: {
        mesh: 'accessLogFile: ""\nenablePrometheusMerge: true\noutboundTrafficPolicy:\n  mode: ALLOW_ANY\nrootNamespace: istio-system\ntrustDomain: cluster.local\n',
        meshNetworks: 'networks: {}',
      },
    },
    ...istiod(),
  ];
}

/** The object that the API server makes of a namespace's name. */
function namespaceObject(name: string, labels: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, creationTimestamp: BIRTH, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

function serviceAccount(name: string, namespace: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, creationTimestamp: BIRTH } };
}

function node(): KubeObject {
  const condition = (type: string, status: string, reason: string) => ({ type, status, reason, message: '' });
  const capacity = { cpu: '2', memory: '8Gi', pods: '1000' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: 'lab',
      creationTimestamp: BIRTH,
      labels: { 'kubernetes.io/hostname': 'lab', 'kubernetes.io/os': 'linux' },
    },
    spec: { podCIDR: '10.244.0.0/16' },
    status: {
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: 'lab' },
      ],
      allocatable: capacity,
      capacity,
      conditions: [
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
        condition('Ready', 'True', 'KubeletReady'),
      ],
      nodeInfo: {
        kubeletVersion: 'v1.34.0',
        osImage: 'weighbridge lab',
        architecture: 'amd64',
        operatingSystem: 'linux',
      },
    },
  };
}

/** API servers try the addresses of a node by type, `Hostname` first; only one leads anywhere. */
function reachableNode(kubeletPort: number): KubeObject {
  const { status, ...rest } = node();
  const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }];
  return { ...rest, status: { ...status, addresses, daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } } } };
}

function istiod(): KubeObject[] {
  const labels = { app: 'istiod', istio: 'pilot', 'istio.io/rev': 'default' };
  const metadata = { name: 'istiod', namespace: ISTIO_NAMESPACE, creationTimestamp: BIRTH, labels };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'istiod' } },
        template: {
          metadata: { labels: { ...labels, 'sidecar.istio.io/inject': 'false' } },
          spec: {
            serviceAccountName: 'istiod',
            containers: [
              {
                name: 'discovery',
                image: 'docker.io/istio/pilot:1.31.0',
                env: [{ name: 'CLUSTER_ID', value: 'Kubernetes' }],
                ports: [8080, 15010, 15012, 15014, 15017].map((containerPort) => ({ containerPort, protocol: 'TCP' })),
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        selector: { app: 'istiod', istio: 'pilot' },
        ports: [
          { name: 'grpc-xds', port: 15010, targetPort: 15010, protocol: 'TCP' },
          { name: 'https-dns', port: 15012, targetPort: 15012, protocol: 'TCP' },
          { name: 'https-webhook', port: 443, targetPort: 15017, protocol: 'TCP' },
          { name: 'http-monitoring', port: 15014, targetPort: 15014, protocol: 'TCP' },
        ],
      },
    },
  ];
}

/**
 * Fills a Store with a cluster that runs Istio and nothing else; what is there stays.
 * @param kubeletPort where the node's kubelet serves port-forwards for another API server.
 */
export function bootstrap(store: Store, kubeletPort?: number): void {
  const { metadata, ...rest } = kubeletPort === undefined ? node() : reachableNode(kubeletPort);
  // An earlier lab's node is there with another port.
  const before = store.get('nodes', undefined, metadata.name);
  store.put('nodes', { ...before, ...rest, metadata: before?.metadata ?? metadata });
  for (const object of startObjects()) {
    const kind = resourceFor(object.apiVersion, object.kind);
    const { namespace, name } = object.metadata;
    if (kind && !store.get(kind.resource, namespace, name)) store.put(kind.resource, object);
  }
}

/** Gives every namespace its `default` service account, now and later. @returns unsubscribe. */
export function keepServiceAccounts(store: Store): () => void {
  const create = (namespace: string) => {
    if (!store.get('serviceaccounts', namespace, 'default'))
      store.put('serviceaccounts', serviceAccount('default', namespace));
  };
  for (const namespace of store.list('namespaces')) create(namespace.metadata.name);
  return store.subscribe(({ type, resource, object }) => {
    if (type === 'ADDED' && resource === 'namespaces') create(object.metadata.name);
  });
}
