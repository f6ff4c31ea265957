import { httpRequest } from '../../cluster/http.js';

const ISTIO_VERSION = '1.31.0';
const BUILD = `# TYPE istio_build gauge\nistio_build{component="proxy",tag="${ISTIO_VERSION}"} 1\n`;

/** Envoy's page of Istio's metrics under Istio's names: Envoy prefixes every name with its own. */
export const withIstioNames = (page: string): string => page.replace(/^(# TYPE )?envoy_istio_/gm, '$1istio_');

/** Istio's metrics as the Envoy of this admin port has them now. @throws Error when it is not up. */
export async function istioMetrics(admin: number | undefined): Promise<string> {
  if (admin === undefined) throw new Error('the proxy is not up');
  const query = `usedonly&filter=${encodeURIComponent('^istio\\.')}`;
  const { status, text } = await httpRequest(new URL(`http://127.0.0.1:${admin}/stats/prometheus?${query}`), {});
  if (status !== 200) throw new Error(text);
  return withIstioNames(text) + BUILD;
}
