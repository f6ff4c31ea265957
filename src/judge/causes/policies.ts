import type { KubeObject } from '../../base/kubernetes.js';
import { at, type DiagnosisInput, items, text } from './objects.js';
import { destinationRules } from './rules.js';

/** A traffic policy of a DestinationRule of the service. */
export interface Policy {
  readonly rule: KubeObject;
  /** Undefined: of the whole Service. */
  readonly subset: string | undefined;
  /** `spec.subsets[1].trafficPolicy` */
  readonly field: string;
  readonly value: unknown;
}

/** All traffic policies, those of single ports included. */
export function policiesOf(input: DiagnosisInput): readonly Policy[] {
  return destinationRules(input).flatMap((rule) => [
    ...withPorts(rule, undefined, 'spec.trafficPolicy', at(rule.spec, 'trafficPolicy')),
    ...items(rule.spec?.subsets).flatMap((subset, index) =>
      withPorts(rule, text(at(subset, 'name')), `spec.subsets[${index}].trafficPolicy`, at(subset, 'trafficPolicy')),
    ),
  ]);
}

function withPorts(rule: KubeObject, subset: string | undefined, field: string, value: unknown): Policy[] {
  if (value === undefined) return [];
  const ports = items(at(value, 'portLevelSettings')).map((each, index) => ({
    rule,
    subset,
    field: `${field}.portLevelSettings[${index}]`,
    value: each,
  }));
  return [{ rule, subset, field, value }, ...ports];
}
