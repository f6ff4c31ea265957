import { stringify } from 'yaml';

const NAME = 'weighbridge-lab';

/**
 * A kubeconfig for a server on loopback. `insecure-skip-tls-verify` although there is no TLS: @kubernetes/client-node refuses
 * plain HTTP without it; a static token although nobody checks one: Kiali needs any.
 */
export function kubeconfigText(server: string, token = NAME): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: NAME, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: NAME, user: { token } }],
    contexts: [{ name: NAME, context: { cluster: NAME, user: NAME, namespace: 'default' } }],
    'current-context': NAME,
  });
}
