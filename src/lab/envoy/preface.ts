import { REAL_TARGET_TYPE } from './identityTlvs.js';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 2, command PROXY; IPv4 over TCP. */
const VERSION_AND_COMMAND = 0x21;
const TCP_OVER_IPV4 = 0x11;

/** A port that no process of this machine may hold, so that connections to it are refused. */
export const REFUSING_PORT = 1;

/**
 * What a pod's connection begins with: the PROXY protocol's header (version 2) with the addresses of the cluster, as the
 * sidecar would read them from the kernel, and the real place of this machine behind the dialled one.
 * @param from address of the pod. @param to dialled address of the cluster. @param real port of 127.0.0.1; undefined: nothing listens there.
 */
export function preface(from: string, to: { ip: string; port: number }, real: number | undefined): Buffer {
  const target = Buffer.from(`127.0.0.1:${real ?? REFUSING_PORT}`);
  const body = Buffer.alloc(12 + 3 + target.length);
  address(from).copy(body, 0);
  address(to.ip).copy(body, 4);
  body.writeUInt16BE(0, 8);
  body.writeUInt16BE(to.port, 10);
  body.writeUInt8(REAL_TARGET_TYPE, 12);
  body.writeUInt16BE(target.length, 13);
  target.copy(body, 15);
  const head = Buffer.alloc(16);
  SIGNATURE.copy(head);
  head.writeUInt8(VERSION_AND_COMMAND, 12);
  head.writeUInt8(TCP_OVER_IPV4, 13);
  head.writeUInt16BE(body.length, 14);
  return Buffer.concat([head, body]);
}

const address = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));
