import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { refuseDestinationRule, refuseGateway, refuseServiceEntry, refuseSidecar } from './admissionRules.js';
import { refuseVirtualService } from './admissionVirtualService.js';
import { refusedDurations } from './durations.js';
import { perObject } from './memo.js';
import type { Refuse } from './refusals.js';
import type { MeshWarning } from './types.js';

const RULES: Readonly<Record<string, (object: KubeObject, refuse: Refuse) => void>> = {
  VirtualService: refuseVirtualService,
  DestinationRule: refuseDestinationRule,
  Gateway: refuseGateway,
  ServiceEntry: refuseServiceEntry,
  Sidecar: refuseSidecar,
};

/**
 * Why an object would not be stored: what the API server's schema and Istio's webhook refuse, as far as it touches routing. Empty: it is
 * accepted (which does not mean that it has the effect that was meant).
 */
export const refusalsOf = perObject((object: KubeObject): readonly MeshWarning[] => {
  const found: MeshWarning[] = [];
  const refuse: Refuse = (field, message) => {
    found.push({
      code: 'OBJECT_REFUSED',
      object: objectRef(object),
      field,
      message: `The cluster refuses this object: ${message}.`,
    });
  };
  RULES[object.kind]?.(object, refuse);
  for (const { field, value } of refusedDurations(object)) {
    refuse(field, `found ${JSON.stringify(value)}, allowed is a duration of at least 1ms`);
  }
  return found;
});
