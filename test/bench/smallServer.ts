import { createServer } from 'node:net';

/** What a peer is measured against without nginx: every request gets the same bytes, `/status` a count in nginx's form. */
const [port, bodyBytes] = process.argv.slice(2).map(Number);
const body = Buffer.alloc(bodyBytes ?? 0, 'x');
const answer = Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`),
  body,
]);
const END = Buffer.from('\r\n\r\n');
let requests = 0;
let connections = 0;

createServer({ noDelay: true }, (socket) => {
  connections++;
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(END); end >= 0; end = rest.indexOf(END)) {
      requests++;
      const asksStatus = rest.subarray(0, 12).toString('latin1') === 'GET /status ';
      rest = rest.subarray(end + END.length);
      if (!asksStatus) {
        socket.write(answer);
        continue;
      }
      const status = `counts\n ${connections} ${connections} ${requests}\n`;
      socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${status.length}\r\n\r\n${status}`);
    }
  });
}).listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
