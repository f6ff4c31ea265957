export interface ScaffoldOptions {
  readonly name: string;
  readonly service: string;
  readonly namespace: string;
  /** The workload that calls the service. */
  readonly from: string;
  /** Values of the label `version`: the present one, then the one being released. */
  readonly versions: readonly [string, string];
  /** Where the JSON Schema is, seen from the scenario file. */
  readonly schema: string;
}

/** The files of a scenario for an own service, by name: a release in four stages, explained in comments, that loads as it is. */
export function scaffold(options: ScaffoldOptions): Readonly<Record<string, string>> {
  const [old, next] = options.versions;
  const service = options.service;
  return {
    'scenario.yaml': scenario(options),
    'uris.txt': URIS,
    'caller.yaml': `# The workload whose calls are judged, and where the load comes in.\n${openService(options, options.from, 'LoadBalancer')}---\n${deployment(options, options.from, options.from, old, 'v1')}`,
    [`deployment-${old}.yaml`]: deployment(options, `${service}-${dns(old)}`, service, old, old),
    [`deployment-${next}.yaml`]: deployment(options, `${service}-${dns(next)}`, service, next, next),
    'service-pinned.yaml': `# Pinned: only pods of ${old} are endpoints, whatever the mesh is told.\n${pinnedService(options, old)}`,
    'service-open.yaml': `# Open: pods of both versions are endpoints; from here on the mesh decides.\n${openService(options, service, 'ClusterIP')}`,
    'destination-rule.yaml': destinationRule(options),
    'virtual-service-canary.yaml': virtualService(options),
  };
}

/** A version label as part of an object's name, which may hold no "_" and no capitals. */
const dns = (version: string): string => version.toLowerCase().replace(/[^a-z0-9.-]/g, '-');

/** A version's name in the scenario: its label, with a letter in front where it has none. */
export function versionName(label: string): string {
  return /^[A-Za-z]/.test(label) && !['uri', 'failed', 'by'].includes(label) ? label : `v${label}`;
}

function scenario({ name, namespace, service, from, versions, schema }: ScaffoldOptions): string {
  const [old, next] = versions;
  const [oldName, nextName] = versions.map(versionName);
  return `# yaml-language-server: $schema=${schema}
#
# ${service} is released from ${old} to ${next}, under load all the time. Each stage applies objects and promises what will be seen.
# Paths are relative to this file. Try it on the embedded lab:  weighbridge run <this file>
# then on your cluster:                                         weighbridge run <this file> --target cluster
name: ${name}
mesh: istio
namespace: ${namespace}

# The Service under release, and the workload whose calls to it are judged.
service: ${service}
from: ${from}

# The pod labels that tell the versions apart; the last one is being released.
versions:
  ${oldName}: {version: "${old}"}
  ${nextName}: {version: "${next}"}

# How the client could tell the versions apart: a page that shows it, and a text that only one version has in it. Without one the
# proxies alone decide.
marker: off
#  uri: /items/*
#  ${nextName}: text that only ${next} has in its pages
#  failed: text of a page that reports an error with status 200

load:
  uris: uris.txt
  users: 200
  thinkTime: {uniform: [100ms, 1s]}

precision:
  margin: 3%          # a share may be off by less than this: 10 % means 7 % to 13 %
  errorRate: 0.01%    # how often a run in which all is well may end red
  absence: 1%         # what "0 %" certifies: less than this

# require: decides. account: shown, and compared with the others. off: not asked.
watch: {client: account, source: require, destination: account, graph: account}

warmUp: 2s
maxDuration: 2m

stages:
  - name: present
    apply: [deployment-${old}.yaml, service-pinned.yaml]
    expect:
      share: {${nextName}: 0%}
      errors: {max: 0.5%}

  # ${next} runs, and nobody reaches it because the Service still pins ${old}.
  - name: dark
    apply: [deployment-${next}.yaml]
    expect:
      share: {${nextName}: 0%}

  # The rules come first, or else plain balancing would hand half of the requests to ${next} in between.
  - name: canary
    apply: [destination-rule.yaml, virtual-service-canary.yaml, service-open.yaml]
    expect:
      share: {${nextName}: 10%}
      errors: {max: 0.5%}

  # Without rules the proxies balance over all ready pods.
  - name: even
    delete: [VirtualService/${service}]
    expect:
      share: {${nextName}: 50%, by: balancing}
      errors: {max: 0.5%}
    precision: {margin: 5%}

# How the embedded lab plays the applications. A real cluster is expected to run these objects already.
lab:
  objects: [caller.yaml, deployment-${old}.yaml, service-pinned.yaml]
  apps:
    ${from}:
      calls: ["http://${service}:8080/"]
    ${service}:
      latency: {uniform: [1ms, 5ms]}
`;
}

const URIS = `# One request a line: [METHOD] URI [weight=N] [Header: value; Header: value]
# The URI is a path, resolved against the base URL, or absolute. '#' starts a comment.
# With weight=3 it is asked for three times as often as a line without.
# Indented lines below it are a part of it: "Name: value" a header, "| text" a line of its body, "@file" its whole body.
/
GET /?page=2 Accept: text/html; Cache-Control: no-cache
`;

function deployment(o: ScaffoldOptions, name: string, app: string, version: string, tag: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${o.namespace}
  labels: {app: ${app}, version: "${version}"}
spec:
  replicas: 1
  selector:
    matchLabels: {app: ${app}, version: "${version}"}
  template:
    metadata:
      labels: {app: ${app}, version: "${version}"}
      annotations: {sidecar.istio.io/inject: "true"}
    spec:
      containers:
        - name: ${app}
          image: example.com/${app}:${tag} # yours; the lab plays any image
          ports:
            - {name: http, containerPort: 8080}
`;
}

function service(o: ScaffoldOptions, name: string, type: string, selector: string): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
  namespace: ${o.namespace}
  labels: {app: ${name}}
spec:
  type: ${type}
  selector: {${selector}}
  ports:
    - {name: http, port: 8080, targetPort: 8080}
`;
}

const openService = (o: ScaffoldOptions, name: string, type: string) => service(o, name, type, `app: ${name}`);
const pinnedService = (o: ScaffoldOptions, version: string) =>
  service(o, o.service, 'ClusterIP', `app: ${o.service}, version: "${version}"`);

function destinationRule(o: ScaffoldOptions): string {
  const subsets = o.versions.map((version) => `    - name: ${subset(version)}\n      labels: {version: "${version}"}`);
  return `# Gives the versions their names as subsets. Without it a route to a subset answers 503.
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${o.service}
  namespace: ${o.namespace}
spec:
  host: ${o.service}
  subsets:
${subsets.join('\n')}
`;
}

const subset = (version: string): string => dns(versionName(version)).replaceAll('.', '-');

function virtualService(o: ScaffoldOptions): string {
  const [old, next] = o.versions;
  return `# Every request is drawn anew, nine of ten for ${old}.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${o.service}
  namespace: ${o.namespace}
spec:
  hosts: [${o.service}]
  http:
    - route:
        - destination: {host: ${o.service}, subset: ${subset(old)}}
          weight: 90
        - destination: {host: ${o.service}, subset: ${subset(next)}}
          weight: 10
`;
}
