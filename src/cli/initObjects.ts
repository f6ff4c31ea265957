import { apiGroup, type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { wantsSidecar } from '../mesh/injection.js';
import { isWorkload } from '../mesh/pods.js';
import { labels, record, records } from '../mesh/read.js';
import { isOwnWorkload, servicesOfWorkload } from '../mesh/releases.js';

const MESH_GROUPS = ['networking.istio.io', 'security.istio.io', 'gateway.networking.k8s.io'];
const SIDECAR = 'sidecar.istio.io/inject';

/**
 * The objects that a lab needs to play a namespace: its workloads with labels, image and ports alone (no environment, so no secrets), its
 * Services, and the rules of the mesh. The load comes in at the caller, whose Service becomes the load balancer.
 */
export function startObjects(objects: readonly KubeObject[], namespace: string, caller: string): KubeObject[] {
  const own = objects.filter(({ metadata }) => metadata.namespace === namespace);
  const space = objects.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);
  const workload = own.find((object) => isWorkload(object) && object.metadata.name === caller);
  const fronts = workload ? servicesOfWorkload(own, workload).map(({ metadata }) => metadata.name) : [];
  const made = workload && fronts.length === 0 ? [frontOf(workload)] : [];
  const kept = own.flatMap((object) => {
    if (isWorkload(object)) return isOwnWorkload(object) ? [reducedWorkload(object, space)] : [];
    if (object.kind === 'Service' && object.apiVersion === 'v1')
      return [reducedService(object, object.metadata.name === fronts[0])];
    if (object.kind === 'ServiceAccount') return [bare(object)];
    return MESH_GROUPS.includes(apiGroup(object.apiVersion)) ? [{ ...bare(object), spec: object.spec ?? {} }] : [];
  });
  return [...kept, ...made];
}

const bare = ({ apiVersion, kind, metadata: { name, namespace, labels: own } }: KubeObject): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}), ...(own ? { labels: own } : {}) },
});

function reducedService(service: KubeObject, front: boolean): KubeObject {
  const { type, selector, ports, clusterIP, externalName, sessionAffinity } = service.spec ?? {};
  const spec = {
    type: front ? 'LoadBalancer' : type === 'ExternalName' ? type : 'ClusterIP',
    ...(selector ? { selector } : {}),
    ...(ports ? { ports: records(ports).map(({ nodePort: _, ...port }) => port) } : {}),
    ...(clusterIP === 'None' && !front ? { clusterIP } : {}),
    ...(externalName ? { externalName } : {}),
    ...(sessionAffinity ? { sessionAffinity } : {}),
  };
  return { ...bare(service), spec };
}

/** A pod about which neither itself nor its namespace says anything gets a sidecar: without one there is nothing to rehearse. */
function reducedWorkload(workload: KubeObject, space: KubeObject | undefined): KubeObject {
  const template = record(workload.spec?.template);
  const meta = {
    labels: labels(record(template.metadata).labels),
    annotations: labels(record(template.metadata).annotations),
  };
  const sidecar = wantsSidecar(meta, space?.metadata) ?? true;
  const containers = records(record(template.spec).containers)
    .filter(({ name }) => name !== 'istio-proxy')
    .map(({ name, image, ports }) => ({ name, image, ...(ports ? { ports } : {}) }));
  const { replicas, selector, serviceName } = workload.spec ?? {};
  return {
    ...bare(workload),
    spec: {
      ...(typeof replicas === 'number' ? { replicas } : {}),
      ...(serviceName ? { serviceName } : {}),
      selector,
      template: {
        metadata: { labels: meta.labels, annotations: { [SIDECAR]: String(sidecar) } },
        spec: { containers },
      },
    },
  };
}

/** A way in for the load where no Service leads to the caller. */
function frontOf({ metadata, spec }: KubeObject): KubeObject {
  const template = record(spec?.template);
  const port = records(record(template.spec).containers).flatMap(({ ports }) => records(ports))[0]?.containerPort;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: metadata.name, namespace: namespaceOf({ metadata }) },
    spec: {
      type: 'LoadBalancer',
      selector: labels(record(template.metadata).labels),
      ports: [{ name: 'http', port: 80, targetPort: typeof port === 'number' ? port : 8080 }],
    },
  };
}
