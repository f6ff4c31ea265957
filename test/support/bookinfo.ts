/** Istio's book shop as a user's folder may hold it: file name -> manifests, without namespaces. */
export function bookinfo(reviews: string): Record<string, string> {
  const versions: Readonly<Record<string, readonly string[]>> = {
    productpage: ['v1'],
    details: ['v1'],
    ratings: ['v1'],
    reviews: ['v1', 'v2', 'v3'],
  };
  const files: Record<string, string> = {};
  for (const [app, all] of Object.entries(versions)) {
    files[`${app}.yaml`] = [
      `apiVersion: v1
kind: Service
metadata: {name: ${app}, labels: {app: ${app}, service: ${app}}}
spec: {ports: [{port: 9080, name: http}], selector: {app: ${app}}}
`,
      `apiVersion: v1
kind: ServiceAccount
metadata: {name: bookinfo-${app}, labels: {account: ${app}}}
`,
      ...all.map(
        (version) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${app}-${version}, labels: {app: ${app}, version: ${version}}}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${app}, version: ${version}}}
  template:
    metadata: {labels: {app: ${app}, version: ${version}}}
    spec:
      serviceAccountName: bookinfo-${app}
      containers: [{name: ${app}, image: "istio/examples-bookinfo-${app}-${version}:1.20.3", ports: [{containerPort: 9080}]}]
`,
      ),
    ].join('---\n');
  }
  files['rules.yaml'] = [
    ...Object.entries(versions).map(
      ([app, all]) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${app}}
spec:
  host: ${app}
  subsets: [${all.map((version) => `{name: ${version}, labels: {version: ${version}}}`).join(', ')}]
`,
    ),
    `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: bookinfo-gateway}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bookinfo}
spec:
  hosts: ["*"]
  gateways: [bookinfo-gateway]
  http:
  - match: [{uri: {exact: /productpage}}, {uri: {prefix: /static}}, {uri: {exact: /login}}, {uri: {prefix: /api/v1/products}}]
    route: [{destination: {host: productpage, port: {number: 9080}}}]
`,
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http: ${reviews}
`,
  ].join('---\n');
  return files;
}
