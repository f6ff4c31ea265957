import { type KubeObject, labelsMatch, objectRef } from '../../base/kubernetes.js';
import { list } from '../words.js';
import { balancedFlow, losing, promisedFlow, seen } from './flow.js';
import type { Candidate, CauseKind, Prediction } from './kind.js';
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
  versionKeys,
} from './objects.js';
import { fromObjects, type Place } from './place.js';

/** 35: the selector of the Service keeps a version out. */
export const selectorPinsVersion: CauseKind = {
  code: 'SELECTOR_PINS_VERSION',
  number: 35,
  title: 'the selector of the Service keeps a version out',
  confirm: (input) => fromObjects(selectorPins(input)),
  predict: (candidate, input) => withoutVersion(candidate, input),
};

/** 8: nobody is there to answer for a version. */
export const versionNotReady: CauseKind = {
  code: 'VERSION_NOT_READY',
  number: 8,
  title: 'no pod of the version is ready',
  confirm: (input) => fromObjects(notReady(input)),
  predict: (candidate, input) => withoutVersion(candidate, input),
};

/** Where weights draw, the version's calls end as 503 UH; where pods are balanced over, the others take them. */
function withoutVersion({ version = '' }: Candidate, input: DiagnosisInput): Prediction {
  const balancing = input.stage.expect.by === 'balancing' || input.scenario.mesh === 'linkerd';
  return seen(balancing ? balancedFlow(input) : losing(promisedFlow(input), version, '503 UH'));
}

const placed = (input: DiagnosisInput, object: KubeObject, field: string): { place?: string } => {
  const place = placeOf(input, object, field);
  return place ? { place } : {};
};

function selectorPins(input: DiagnosisInput): Place[] {
  const target = service(input);
  if (!target) return [];
  const selector = labels(target.spec?.selector);
  return versionKeys(input.scenario).flatMap((key): Place[] => {
    const pinned = selector[key];
    const shutOut = neededVersions(input.stage).filter((version) => {
      const wanted = input.scenario.versions[version]?.[key];
      return pinned !== undefined && wanted !== undefined && wanted !== pinned;
    });
    if (pinned === undefined || shutOut.length === 0) return [];
    const field = `spec.selector.${key}`;
    return [
      {
        object: objectRef(target),
        field,
        found: pinned,
        expected: 'absent',
        ...(shutOut[0] === undefined ? {} : { version: shutOut[0] }),
        fix: `Drop the label ${key} from the selector: pods of ${list(shutOut)} are no endpoints of the Service, so calls routed to them answer 503 and mirror copies get lost.`,
        ...placed(input, target, field),
      },
    ];
  });
}

function notReady(input: DiagnosisInput): Place[] {
  const { scenario, stage } = input;
  if (!service(input)) return [];
  return neededVersions(stage).flatMap((version): Place[] => {
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
            version,
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

function noDeployment({ scenario }: DiagnosisInput, version: string): Place {
  return {
    version,
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
