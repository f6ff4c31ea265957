import type { KubeObject } from '../../../src/base/kubernetes.js';
import { pods, SERVICE } from '../../support/mesh.js';
import { NEW, OLD, service, type Table } from '../../support/meshCases.js';

const NOT_THE_MESHS = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: demo}
spec: {host: shop, trafficPolicy: {tls: {mode: SIMPLE}}}
`;
/** As the injector leaves them. */
const MESHED = pods('shop', 'v1', 1).map(
  (pod): KubeObject => ({
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, 'security.istio.io/tlsMode': 'istio' } },
  }),
);
const TCP = service('{name: tcp, port: 80, targetPort: 8080}');
const created = (yaml: string, name: string, time: string): string =>
  yaml.replace('{name: shop,', `{name: ${name}, creationTimestamp: "${time}",`);
const HTTP_ENTRY = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: e, namespace: demo, creationTimestamp: "${OLD}"}
spec:
  hosts: [pay.example.com]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  workloadSelector: {labels: {app: shop}}
`;

export const receivedTls: Table = {
  title: "TLS that is not the mesh's, at a port that several Services lead to",
  cases: [
    {
      says: 'comes through where the only Service is TCP',
      base: TCP,
      received: { v1: 1 },
    },
    {
      says: 'fails where an older Service is HTTP',
      base: [created(TCP, 'shop', NEW), created(SERVICE, 'web', OLD).replace('10.0.0.1', '10.0.0.2')].join('---'),
      received: {},
    },
    {
      says: 'comes through where a younger Service is HTTP',
      base: [created(TCP, 'shop', OLD), created(SERVICE, 'web', NEW).replace('10.0.0.1', '10.0.0.2')].join('---'),
      received: { v1: 1 },
    },
    {
      says: 'of one second the hosts decide, by which shop-v1 comes before shop',
      base: [created(TCP, 'shop', OLD), created(SERVICE, 'shop-v1', OLD).replace('10.0.0.1', '10.0.0.2')].join('---'),
      received: {},
    },
    {
      says: 'fails where an older ServiceEntry that selects the pod is HTTP',
      base: created(TCP, 'shop', NEW),
      yaml: HTTP_ENTRY,
      received: {},
    },
  ].map((one) => ({
    ...one,
    yaml: [NOT_THE_MESHS, one.yaml ?? ''].join('---'),
    pods: MESHED,
    share: { v1: 1 },
    protocol: 'tcp',
  })),
};
