import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import { notUnderstood } from '../../mesh/authorization.js';

/** Why a policy that would deny something is left out whole, by any sidecar. */
export function policyLeftOut(object: KubeObject): string[] {
  if (object.kind !== 'AuthorizationPolicy' || !object.apiVersion.startsWith('security.istio.io/')) return [];
  return notUnderstood(object).map((field) => `${objectRef(object)} is not rehearsed, for its ${field}`);
}
