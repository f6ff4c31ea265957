import type { KubeObject } from '../../base/kubernetes.js';
import { labelsMatch } from '../../base/kubernetes.js';
import type { Cause } from '../types.js';
import { counted, list } from '../words.js';
import { causeAt } from './evidence.js';
import {
  at,
  type DiagnosisInput,
  deploymentsOf,
  labels,
  namespaceOf,
  neededVersions,
  ofKind,
  service,
  versionKeys,
} from './objects.js';

const templateLabels = (deployment: KubeObject) => labels(at(deployment.spec, 'template', 'metadata', 'labels'));

/** Deployments behind the Service, whatever version they are. */
function workloadsOf(input: DiagnosisInput): readonly KubeObject[] {
  const keys = versionKeys(input.scenario);
  const selector = Object.fromEntries(
    Object.entries(labels(service(input)?.spec?.selector)).filter(([key]) => !keys.includes(key)),
  );
  if (Object.keys(selector).length === 0) return [];
  return ofKind(input, 'Deployment').filter(
    (each) => namespaceOf(each) === input.scenario.namespace && labelsMatch(selector, templateLabels(each)),
  );
}

/** A version that nobody's labels say, beside a workload whose labels say none, or the same as another's. */
export function labelMissing(input: DiagnosisInput): Cause[] {
  const { versions } = input.scenario;
  const [key] = versionKeys(input.scenario);
  const lacking = neededVersions(input.stage).filter((version) => deploymentsOf(input, version).length === 0);
  const workloads = workloadsOf(input);
  if (key === undefined || lacking.length === 0 || workloads.length < 2) return [];
  const [version = ''] = lacking;
  const expected = versions[version]?.[key] ?? version;
  const suspects = workloads.filter((each, index) => {
    const own = templateLabels(each)[key];
    return own === undefined || workloads.findIndex((other) => templateLabels(other)[key] === own) < index;
  });
  return suspects.slice(0, lacking.length).map((workload) => {
    const found = templateLabels(workload)[key];
    const same = workloads.filter((each) => each !== workload && templateLabels(each)[key] === found);
    const alike = found === undefined ? '' : `, as ${list(same.map(({ metadata }) => metadata.name))} has`;
    return causeAt(input, workload, `spec.template.metadata.labels.${key}`, {
      code: 'VERSION_LABEL_MISSING',
      found: found === undefined ? 'absent' : `${found}${alike}`,
      expected,
      fix: `Label its pods ${key}: ${expected}: subsets select by it, and metrics and Kiali's graph tell versions apart by nothing else.`,
    });
  });
}

/** From so many requests on, a label is no remnant of a pod that ended; fewer suffice where no request carries the right one. */
const ENOUGH = 20;
const ENOUGH_ALONE = 5;

/** Series that grow under a version which their workload's pods do not carry: labels are read when a proxy starts. */
export function labelsStale(input: DiagnosisInput): Cause[] {
  const [key] = versionKeys(input.scenario);
  if (key === undefined) return [];
  const { source, destination } = input.evidence ?? {};
  const told = new Set<KubeObject>();
  const rows = [...(destination?.labels ?? []), ...(source?.labels ?? [])];
  const versionsOf = ({ version, revision }: (typeof rows)[number]) =>
    [version, revision].filter((value) => !['', 'unknown', 'latest'].includes(value));
  return rows.flatMap((row): Cause[] => {
    const workload = workloadsOf(input).find(({ metadata }) => metadata.name === row.workload);
    const wanted = workload && templateLabels(workload)[key];
    const known = versionsOf(row);
    if (!workload || wanted === undefined || told.has(workload)) return [];
    if (known.length === 0 || known.includes(wanted)) return [];
    const right = rows.some((each) => each.workload === row.workload && versionsOf(each).includes(wanted));
    if (row.count < (right ? ENOUGH : ENOUGH_ALONE)) return [];
    told.add(workload);
    return [
      causeAt(input, workload, `spec.template.metadata.labels.${key}`, {
        code: 'METRIC_LABELS_STALE',
        found: `${wanted}, and ${counted(row.count, 'requests')} to it are counted as ${list([...new Set(known)])}`,
        expected: `requests counted as ${wanted}`,
        fix: `Restart its pods (kubectl rollout restart deployment ${workload.metadata.name} -n ${namespaceOf(workload)}): proxies keep the labels with which they started. Until then judge by destination_workload.`,
      }),
    ];
  });
}
