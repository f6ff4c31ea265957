import { createHash } from 'node:crypto';
import { type Served, serveHttp } from './load.js';

interface Data {
  readonly id: string;
  readonly [field: string]: unknown;
}
interface Graph {
  readonly timestamp: number;
  readonly elements: { readonly nodes: readonly { data: Data }[]; readonly edges: readonly { data: Data }[] };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The identity that a node's hash is made of. */
function identity(node: Data): string {
  const { nodeType, cluster, namespace, workload, app, version, service } = node;
  if (nodeType === 'unknown') return `${cluster}_unknown_source`;
  if (nodeType === 'service') return `svc_${cluster}_${namespace}_${service}`;
  if (nodeType === 'box') return `box_${cluster}_${namespace}_${app}`;
  if (workload) return `${app ? 'vapp' : 'wl'}_${cluster}_${namespace}_${workload}`;
  return version ? `vapp_${cluster}_${namespace}_${app}_${version}` : `app_${cluster}_${namespace}_${app}`;
}

/** A graph of 1.89 in the form of 2.31: other hashes, injected service nodes told as such, health on edges. */
function modern(graph: Graph): Graph {
  const ids = new Map(graph.elements.nodes.map(({ data }) => [data.id, sha256(identity(data))]));
  const id = (old: unknown) => ids.get(old as string) ?? '';
  return {
    ...graph,
    elements: {
      nodes: graph.elements.nodes.map(({ data }) => ({
        data: {
          ...data,
          id: id(data.id),
          ...(data.parent === undefined ? {} : { parent: id(data.parent) }),
          ...(data.nodeType === 'service' ? { isInjected: true } : {}),
        },
      })),
      edges: graph.elements.edges.map(({ data }) => {
        const { protocol } = data.traffic as { protocol: string };
        const [source, target] = [id(data.source), id(data.target)];
        return {
          data: { ...data, id: sha256(`${source}.${target}.${protocol}`), source, target, healthStatus: 'Healthy' },
        };
      }),
    },
  };
}

/**
 * A Kiali as release 2.31 answers, by what is known of it (it cannot be had as a Go module): its graph cache that all anonymous callers
 * share, its form of graphs and of refusals. What it shows is another Kiali's graph.
 * @param url of that one, with `/kiali`; log-ins are passed on to it.
 */
export async function serveKiali2(url: string): Promise<Served> {
  const cache = new Map<string, unknown>();
  const served = await serveHttp(async (request, response) => {
    const asked = new URL(request.url ?? '/', url);
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const headers: Record<string, string> = {};
    for (const name of ['cookie', 'content-type', 'authorization']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const passOn = () =>
      fetch(asked, {
        method: request.method ?? 'GET',
        headers,
        ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      });
    if (asked.pathname !== '/kiali/api/namespaces/graph') {
      const answer = await passOn();
      const cookies = answer.headers.getSetCookie();
      response
        .writeHead(answer.status, {
          'content-type': answer.headers.get('content-type') ?? 'text/plain',
          ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}),
        })
        .end(await answer.text());
      return;
    }
    const parameters = asked.searchParams;
    if ((parameters.get('configVendor') ?? 'common') !== 'common') {
      return json(400, { error: `Invalid configVendor [${parameters.get('configVendor')}]` });
    }
    const refresh = Number(parameters.get('refreshInterval') ?? 60_000);
    if (refresh > 0 && (refresh < 10_000 || refresh > 900_000)) {
      return json(400, { error: `Invalid refreshInterval [${refresh}]` });
    }
    const key = parameters.toString();
    const isCached = refresh > 0 && !parameters.has('queryTime');
    if (isCached && cache.has(key)) return json(200, cache.get(key));
    parameters.delete('configVendor');
    const answer = await passOn();
    const text = await answer.text();
    if (answer.status === 403) return json(403, (JSON.parse(text) as { error: string }).error);
    if (answer.status !== 200) return response.writeHead(answer.status).end(text);
    const graph = modern(JSON.parse(text) as Graph);
    if (isCached) cache.set(key, graph);
    return json(200, graph);
  });
  return { ...served, url: `${served.url}/kiali` };
}
