import { stringify } from 'yaml';
import type { KubeObject } from '../base/kubernetes.js';
import { versionName } from './scaffold.js';

/** One stage that objects of somebody's own lead to. */
export interface ProposedStage {
  readonly name: string;
  /** Comment above it. */
  readonly why: string;
  /** Applied, in a file each; none: what is there already. */
  readonly objects: readonly KubeObject[];
  /** 0..1 of the version that is being released, as the mesh model predicts it. */
  readonly share: number;
  /** No weights decide; the proxies balance over the ready pods. */
  readonly balanced: boolean;
}

/** What `init` found in objects, and what follows from it. */
export interface Proposal {
  readonly name: string;
  readonly namespace: string;
  readonly service: string;
  /** The workload whose calls are judged, and what spoke for it. */
  readonly from: string;
  readonly why: string;
  /** What the caller asks in the lab for each request of its own; http URLs. */
  readonly calls: readonly string[];
  /** A request of the load that comes to the service. host undefined: any. */
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly host: string | undefined;
  };
  readonly mesh: 'istio' | 'gateway-api';
  /** The pod label that tells the versions apart. */
  readonly label: string;
  /** Its values; the last one is being released. */
  readonly versions: readonly string[];
  readonly stages: readonly ProposedStage[];
  /** What the lab starts with. */
  readonly start: readonly KubeObject[];
  /** Where the JSON Schema is, seen from the scenario file. */
  readonly schema: string;
}

/** The files of the scenario, by name. */
export function scaffoldObjects(proposal: Proposal): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  const stages = proposal.stages.map((stage) => {
    const names = stage.objects.map((object) => {
      const file = `${stage.name}-${object.kind.toLowerCase()}-${object.metadata.name}.yaml`;
      files[file] = stringify(object);
      return file;
    });
    return stageText(stage, names, proposal);
  });
  return {
    'scenario.yaml': scenario(proposal, stages),
    'uris.txt': uris(proposal),
    'objects.yaml': `# What the lab starts with: the objects as they were found, reduced to what a mesh looks at.\n${proposal.start.map((object) => stringify(object)).join('---\n')}`,
    ...files,
  };
}

/** `GET /hello Host: shop.example.com` */
function uris({ request: { method, path, headers, host } }: Proposal): string {
  const told = Object.entries({ ...(host === undefined ? {} : { Host: host }), ...headers });
  const fields = told.map(([name, value]) => `${name}: ${value}`).join('; ');
  const target = method === 'GET' && fields === '' ? path : `${method} ${path} ${fields}`.trim();
  return `${URIS}${target}\n`;
}

const URIS = `# One request a line: [METHOD] URI [weight=N] [Header: value; Header: value]
# The paths of the caller that reach the service under release.
`;

const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`;

function stageText(stage: ProposedStage, files: readonly string[], { versions }: Proposal): string {
  const next = versionName(versions.at(-1) ?? '');
  return `
  # ${stage.why}
  - name: ${stage.name}
${files.length > 0 ? `    apply: [${files.join(', ')}]\n` : ''}    expect:
      share: {${next}: ${percent(stage.share)}${stage.balanced ? ', by: balancing' : ''}}
      errors: {max: 0.5%}
${stage.balanced ? '    precision: {margin: 5%}\n' : ''}`;
}

function scenario(proposal: Proposal, stages: readonly string[]): string {
  const { name, mesh, namespace, service, from, calls, request, why, label, versions, schema } = proposal;
  const next = versions.at(-1) ?? '';
  const app = appOf(proposal);
  return `# yaml-language-server: $schema=${schema}
#
# ${service} is released to ${next}, under load all the time. Each stage applies objects and promises what will be seen.
# Rehearse it on the embedded lab:  weighbridge run <this file>
# then on your cluster:             weighbridge run <this file> --target cluster --base-url URL-OF-${from}
name: ${name}
mesh: ${mesh}
namespace: ${namespace}
service: ${service}

# The workload whose calls are judged: ${why}.
from: ${from}

# The pod labels that tell the versions apart; the last one is being released.
versions:
${versions.map((version) => `  ${versionName(version)}: {${label}: ${JSON.stringify(version)}}`).join('\n')}

# How the client tells the versions apart. These texts are what the lab's applications answer with. Your own has others:
# write a page and the texts that only one version has in it, or \`marker: off\`; the proxies decide in any case.
marker:
  uri: ${request.path.replace(/\?.*/, '')}
${versions.map((version) => `  ${versionName(version)}: '"app":"${app}","version":"${version}"'`).join('\n')}

load:
  uris: uris.txt
  users: 200
  thinkTime: {uniform: [100ms, 1s]}

precision:
  margin: 3%          # a share may be off by less than this
  errorRate: 0.01%    # how often a run in which all is well may end red
  absence: 1%         # what "0 %" certifies: less than this

# require: decides. account: shown, and compared with the others. off: not asked.
watch: {client: account, source: require, destination: account, graph: account}

warmUp: 2s
maxDuration: 2m

stages:${stages.join('')}
# How the embedded lab plays the applications. A real cluster is expected to run them already.
lab:
  objects: [objects.yaml]
${calls.length > 0 ? `  apps:\n    ${from}:\n      calls: ${JSON.stringify(calls)}\n` : ''}`;
}

/** The label `app` of the pods of the last version, by which the lab's applications call themselves. */
function appOf({ start, label, versions, service }: Proposal): string {
  for (const { spec } of start) {
    const template = spec?.template as { metadata?: { labels?: Record<string, string> } } | undefined;
    const labels = template?.metadata?.labels ?? {};
    if (labels[label] === versions.at(-1) && labels.app) return labels.app;
  }
  return service;
}
