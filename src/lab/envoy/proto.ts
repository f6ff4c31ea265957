/** An Envoy message in protobuf's JSON spelling. */
export type Message = { readonly [field: string]: unknown };

/** A message with its type, as Any is written. @param name below `envoy.`, such as `config.cluster.v3.Cluster`. */
export const any = (name: string, fields: Message): Message => ({
  '@type': `type.googleapis.com/envoy.${name}`,
  ...fields,
});

/** An extension under its well-known name. */
export const extension = (name: string, type: string, fields: Message = {}): Message => ({
  name,
  typed_config: any(type, fields),
});

/** @param port 0: any free port. */
export const loopback = (port: number): Message => ({ socket_address: { address: '127.0.0.1', port_value: port } });
