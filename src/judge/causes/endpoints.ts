import { type KubeObject, labelsMatch, objectRef } from '../../base/kubernetes.js';
import type { Cause } from '../types.js';
import { list } from '../words.js';
import {
  at,
  type DiagnosisInput,
  deploymentsOf,
  isReady,
  labels,
  namespaceOf,
  neededVersions,
  ofKind,
  placeOf,
  service,
  text,
  versionKeys,
} from './objects.js';
import { destinationRules, liveRoutes, subsetsOf } from './routes.js';

/** Versions that should answer and have nobody behind them. */
export function endpointCauses(input: DiagnosisInput): Cause[] {
  return [...selectorPins(input), ...notReady(input), ...emptySubsets(input)];
}

const placed = (input: DiagnosisInput, object: KubeObject, field: string): { place?: string } => {
  const place = placeOf(input, object, field);
  return place ? { place } : {};
};

function selectorPins(input: DiagnosisInput): Cause[] {
  const target = service(input);
  if (!target) return [];
  const selector = labels(target.spec?.selector);
  return versionKeys(input.scenario).flatMap((key): Cause[] => {
    const pinned = selector[key];
    const shutOut = neededVersions(input.stage).filter((version) => {
      const wanted = input.scenario.versions[version]?.[key];
      return pinned !== undefined && wanted !== undefined && wanted !== pinned;
    });
    if (pinned === undefined || shutOut.length === 0) return [];
    const field = `spec.selector.${key}`;
    return [
      {
        code: 'SELECTOR_PINS_VERSION',
        object: objectRef(target),
        field,
        found: pinned,
        expected: 'absent',
        fix: `Drop the label ${key} from the selector: pods of ${list(shutOut)} are no endpoints of the Service, so calls routed to them answer 503 and mirror copies get lost.`,
        ...placed(input, target, field),
      },
    ];
  });
}

function notReady(input: DiagnosisInput): Cause[] {
  const { scenario, stage } = input;
  if (!service(input)) return [];
  return neededVersions(stage).flatMap((version): Cause[] => {
    const deployments = deploymentsOf(input, version);
    if (deployments.length === 0) return podsOf(input, version).some(isReady) ? [] : [noDeployment(input, version)];
    return deployments.some((deployment) => readyPods(input, deployment) > 0)
      ? []
      : deployments.map((deployment) => {
          const wanted = Number(at(deployment.spec, 'replicas') ?? 1);
          const zero = wanted === 0;
          const field = zero ? 'spec.replicas' : 'status.readyReplicas';
          const name = deployment.metadata.name;
          return {
            code: 'VERSION_NOT_READY',
            object: objectRef(deployment),
            field,
            found: '0',
            expected: zero ? '1' : String(wanted),
            fix: zero
              ? `Scale it up: kubectl scale deployment ${name} --replicas=1 -n ${scenario.namespace}.`
              : `No pod of ${version} is ready: see kubectl describe deployment ${name} -n ${scenario.namespace}.`,
            ...placed(input, deployment, field),
          };
        });
  });
}

function noDeployment({ scenario }: DiagnosisInput, version: string): Cause {
  return {
    code: 'VERSION_NOT_READY',
    object: `Deployment/${scenario.namespace}/${scenario.service}-${version}`,
    field: 'spec.template.metadata.labels',
    found: 'absent',
    expected: list(Object.entries(scenario.versions[version] ?? {}).map(([key, value]) => `${key}: ${value}`)),
    fix: `Deploy ${version}: no Deployment and no ready pod of ${scenario.service} carries its labels.`,
  };
}

function podsOf(input: DiagnosisInput, version: string): readonly KubeObject[] {
  return ofKind(input, 'Pod').filter(
    (pod) =>
      namespaceOf(pod) === input.scenario.namespace &&
      labelsMatch(input.scenario.versions[version], pod.metadata.labels),
  );
}

function readyPods(input: DiagnosisInput, deployment: KubeObject): number {
  if (at(deployment.spec, 'replicas') === 0) return 0;
  const selector = labels(at(deployment.spec, 'selector', 'matchLabels'));
  const pods = ofKind(input, 'Pod').filter(
    (pod) =>
      namespaceOf(pod) === namespaceOf(deployment) &&
      Object.keys(selector).length > 0 &&
      labelsMatch(selector, pod.metadata.labels),
  );
  return pods.length > 0 ? pods.filter(isReady).length : Number(at(deployment.status, 'readyReplicas') ?? 0);
}

/** Subsets that a route names and that no DestinationRule defines, or whose labels no pod of the Service carries. */
function emptySubsets(input: DiagnosisInput): Cause[] {
  const route = liveRoutes(input)[0];
  if (!route) return [];
  const used = [
    ...route.entries
      .filter((entry) => entry.share > 0)
      .map((entry) => ({ ...entry, field: entry.field.replace(/weight$/, 'destination.subset') })),
    ...route.mirrors
      .filter((mirror) => mirror.share > 0)
      .map((mirror) => ({ ...mirror, field: `${mirror.field}.subset` })),
  ].filter(
    (entry, index, all) =>
      entry.subset !== undefined && all.findIndex((each) => each.subset === entry.subset) === index,
  );
  return used.flatMap((entry): Cause[] => {
    const subset = entry.subset as string;
    const defined = subsetsOf(input).find((each) => each.name === subset);
    if (!defined) return [undefinedSubset(input, route.object, entry.field, subset)];
    const expected = wantedLabels(input, subset, entry.version);
    const wrong = Object.entries(defined.labels).find(
      ([key, value]) => expected[key] !== undefined && expected[key] !== value,
    );
    if (!wrong || somePodCarries(input, defined.labels)) return [];
    const [key, found] = wrong;
    const field = `${defined.field}.labels.${key}`;
    return [
      {
        code: 'SUBSET_WITHOUT_ENDPOINTS',
        object: objectRef(defined.rule),
        field,
        found,
        expected: expected[key] as string,
        fix: `Write the label that the pods of ${subset} carry: as it stands the subset is empty and its requests answer 503.`,
        ...placed(input, defined.rule, field),
      },
    ];
  });
}

function undefinedSubset(input: DiagnosisInput, route: KubeObject, field: string, subset: string): Cause {
  const rule = destinationRules(input)[0];
  const names = subsetsOf(input).map((each) => each.name);
  const base = { code: 'SUBSET_WITHOUT_ENDPOINTS' } as const;
  return rule
    ? {
        ...base,
        object: objectRef(rule),
        field: 'spec.subsets',
        found: list(names) || 'none',
        expected: subset,
        fix: `Define subset ${subset}: requests that ${objectRef(route)} sends there answer 503.`,
        ...placed(input, rule, 'spec.subsets'),
      }
    : {
        ...base,
        object: objectRef(route),
        field,
        found: subset,
        expected: 'a subset of a DestinationRule',
        fix: `Apply a DestinationRule for ${text(input.scenario.service) ?? ''} that defines subset ${subset}: without it every request to the subset answers 503.`,
        ...placed(input, route, field),
      };
}

/** Labels that a subset of this name should select: the version's that it stands for, or that carries its name. */
function wantedLabels(
  { scenario }: DiagnosisInput,
  subset: string,
  version: string | undefined,
): Readonly<Record<string, string>> {
  return scenario.versions[version ?? subset] ?? scenario.versions[subset] ?? {};
}

function somePodCarries(input: DiagnosisInput, wanted: Record<string, string>): boolean {
  const selector = labels(service(input)?.spec?.selector);
  const pods = ofKind(input, 'Pod');
  const templates = ofKind(input, 'Deployment').map((each) => labels(at(each.spec, 'template', 'metadata', 'labels')));
  const carriers = pods.length > 0 ? pods.map((pod) => labels(pod.metadata.labels)) : templates;
  return carriers.some((each) => labelsMatch({ ...selector, ...wanted }, each));
}
