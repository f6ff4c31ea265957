import { httpRequest } from '../../cluster/http.js';

/** How long a proxy may take to open a listener; ms. */
const PATIENCE_MS = 10_000;
const POLL_MS = 5;

interface ListenerStatus {
  readonly name: string;
  readonly local_address: { readonly socket_address: { readonly port_value: number } };
}

/** Listener -> real port of 127.0.0.1, as soon as the named ones are open: a listener waits for its route table. */
export async function boundPorts(
  admin: () => number | undefined,
  names: Iterable<string>,
): Promise<Map<string, number>> {
  const awaited = [...names];
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const port = admin();
    if (port === undefined) return new Map();
    const { text } = await httpRequest(new URL(`http://127.0.0.1:${port}/listeners?format=json`), {});
    const { listener_statuses = [] } = JSON.parse(text) as { listener_statuses?: ListenerStatus[] };
    const bound = new Map(
      listener_statuses.map(({ name, local_address }) => [name, local_address.socket_address.port_value]),
    );
    const missing = awaited.filter((name) => !bound.has(name));
    if (missing.length === 0) return bound;
    if (performance.now() > deadline) throw new Error(`did not open ${missing.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
