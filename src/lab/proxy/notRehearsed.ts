import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import { policyLeftOut } from '../control/policies.js';

/** What of an object that decides about calls the lab's own sidecars leave out, one sentence each. */
export function notRehearsed(object: KubeObject): string[] {
  const { kind, spec } = object;
  if (kind === 'PeerAuthentication') {
    return [
      `${objectRef(object)} is not rehearsed: the proxies tell each other who they are, and encrypt nothing; \`explain\` foresees what it breaks`,
    ];
  }
  if (kind === 'VirtualService' && Array.isArray(spec?.tls) && spec.tls.length > 0) {
    return [
      `${objectRef(object)}: spec.tls is not rehearsed: connections to ports for TLS are balanced; \`explain\` follows it`,
    ];
  }
  return policyLeftOut(object);
}
