import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SCENARIO, type Workspace, workspace } from './cli.js';

const deployment = (name: string, app: string, version: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: 1
  selector: { matchLabels: { app: ${app}, version: ${version} } }
  template:
    metadata: { labels: { app: ${app}, version: ${version} }, annotations: { sidecar.istio.io/inject: "true" } }
    spec: { containers: [{ name: app, image: "${app}:${version}", ports: [{ containerPort: 8080 }] }] }
`;

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { type: LoadBalancer, selector: { app: shop }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`;

const FILE = `
name: direct
namespace: shop
service: shop
versions: { v1: { version: v1 }, v2: { version: v2 } }
marker: { uri: /*, v2: '"version":"v2"' }
load: { uris: uris.txt, users: 30, thinkTime: { uniform: [50ms, 150ms] } }
precision: { margin: 10%, errorRate: 1% }
warmUp: 200ms
maxDuration: 30s
stages:
  - name: even
    apply: [v2.yaml]
    expect: { share: { v2: 50% } }
lab: { objects: [shop.yaml, caller.yaml] }
`;

/**
 * A workspace whose scenario releases a Service that the load dials itself: a load balancer draws a pod for every connection, and no proxy of
 * a caller stands before it. One pod of v1 runs; the stage adds one of v2.
 */
export function directScenario(): Workspace {
  const space = workspace();
  const files = {
    'scenario.yaml': FILE,
    'shop.yaml': `${SERVICE}---${deployment('shop-v1', 'shop', 'v1')}`,
    'v2.yaml': deployment('shop-v2', 'shop', 'v2'),
    'caller.yaml': deployment('caller', 'caller', 'v1'),
    'uris.txt': '/\n/items\n',
  };
  const folder = join(space.dir, SCENARIO, '..');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text.trimStart());
  return space;
}
